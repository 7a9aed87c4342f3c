"""The JavaScript client, run by node against a real server."""
