"""Handlers under the names that TorchServe gave them."""
