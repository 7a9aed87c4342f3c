"""The door in the notebook server."""
