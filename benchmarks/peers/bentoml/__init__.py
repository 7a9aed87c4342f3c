"""How to start this server."""
