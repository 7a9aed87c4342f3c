"""Helpers of handlers under the names that TorchServe gave them."""
