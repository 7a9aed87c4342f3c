"""Preprocessing with other libraries."""
