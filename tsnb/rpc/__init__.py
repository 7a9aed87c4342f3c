"""gRPC with TorchServe's services and messages: the second translator over :mod:`tsnb.engine.api` (spec 4).

Importing this package imports no gRPC; :mod:`tsnb.rpc.server` does, and needs the extra ``grpc``.
"""

from importlib.util import find_spec


def available() -> bool:
    """Whether the libraries of the extra ``grpc`` are installed."""
    try:
        return all(find_spec(name) is not None for name in ("grpc", "google.protobuf"))
    except ModuleNotFoundError:  # the parent package "google" is missing
        return False
