"""The way to a server over HTTP: it knows URLs, and nothing of what is behind them."""

from tsnb.client.address import Address
from tsnb.client.client import Client
from tsnb.client.result import Result

__all__ = ["Address", "Client", "Result"]
