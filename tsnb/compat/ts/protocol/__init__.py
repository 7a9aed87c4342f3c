"""The old place of streaming under the names that TorchServe gave them."""
