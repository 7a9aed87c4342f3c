"""Request envelopes under the names that TorchServe gave them."""
