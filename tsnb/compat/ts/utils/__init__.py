"""Helpers under the names that TorchServe gave them."""
