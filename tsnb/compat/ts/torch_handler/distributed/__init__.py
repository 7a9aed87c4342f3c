"""Handlers of models that span several GPUs."""
