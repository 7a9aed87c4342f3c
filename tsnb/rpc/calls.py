"""The table that says which function answers which method, as :mod:`tsnb.rest.routes` does for paths.

An endpoint is a plain async function ``(doors, request, call) -> message``, or an async generator of messages where
the method streams its answers. Where it streams its requests, ``request`` is an async iterator. Adding one is one
decorated function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

from grpc import StatusCode
from msgspec import Struct, field

from tsnb.errors import TsnbError
from tsnb.rpc import statuses

Endpoint: TypeAlias = Callable[..., Any]
E = TypeVar("E", bound=Endpoint)
Code: TypeAlias = Callable[[TsnbError], StatusCode]


class Call(Struct, frozen=True):
    """One call: who makes it, and the id that its request has in records and logs."""

    remote: str
    id: str = field(default_factory=lambda: str(uuid4()))


class Method(Struct, frozen=True):
    """One line of the table; ``code`` is how its errors become statuses."""

    service: str
    name: str
    endpoint: Endpoint
    code: Code

    @property
    def path(self) -> str:
        """The full name, as in the access log."""
        return f"{self.service}/{self.name}"


METHODS: list[Method] = []
"""Every method that is answered, in the order of definition."""


def method(service: str, name: str, code: Code = statuses.code) -> Callable[[E], E]:
    """Register an endpoint for a method of a service."""

    def register(endpoint: E) -> E:
        METHODS.append(Method(service, name, endpoint, code))
        return endpoint

    return register
