"""Metrics under the names that TorchServe gave them."""
