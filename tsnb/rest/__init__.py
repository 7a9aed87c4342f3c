"""The REST endpoints, written once and mounted twice: in the notebook server and stand-alone."""
