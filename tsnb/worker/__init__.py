"""A worker process: receives batches on a socket, runs a handler, sends answers back."""
