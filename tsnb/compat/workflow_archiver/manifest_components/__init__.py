"""The manifest and its parts."""
