"""The engine: models, versions, queues, workers and their supervision. Knows no HTTP and no notebook."""
