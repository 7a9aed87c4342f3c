"""Servers for the suite: each house is started once, when the first of its cases comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conformance.archives import build
from tests.conformance.houses import HOUSES
from tests.conformance.servers import Kind, Server, torchserve_bin


@pytest.fixture(scope="session")
def torchserve() -> Path:
    """Where the commands of the real TorchServe are."""
    found = torchserve_bin()
    if found is None:
        pytest.skip("the real TorchServe is not installed here: make conformance installs it (needs Java 17)")
    return found


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every archive."""
    return build(tmp_path_factory.mktemp("conformance") / "archives")


@pytest.fixture(scope="session")
def house(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Kind, str], Server]]:
    """``house("tsnb", "open")`` is a running server. One of each kind runs at a time: cases come sorted by house."""
    running: dict[Kind, tuple[str, Server, ExitStack]] = {}

    def call(kind: Kind, name: str) -> Server:
        if kind in running and running[kind][0] != name:
            running.pop(kind)[2].close()
        if kind not in running:
            stack = ExitStack()
            folder = tmp_path_factory.mktemp(f"{kind}-{name.replace(' ', '-')}")
            server = stack.enter_context(Server(kind, HOUSES[name], folder, archives))
            running[kind] = (name, server, stack)
        return running[kind][1]

    yield call
    for _, _, stack in running.values():
        stack.close()
