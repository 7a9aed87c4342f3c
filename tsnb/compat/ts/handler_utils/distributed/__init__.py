"""Helpers of models that span several GPUs."""
