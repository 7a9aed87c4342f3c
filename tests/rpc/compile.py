"""Compiles the protos: what ``make protos`` writes, and what the tests compare with what is there."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

from tsnb.rpc.descriptors import COMPILED, PROTOS

NAMES = [*sorted(path.name for path in PROTOS.glob("*.proto")), "google/rpc/error_details.proto"]
GOOGLE = sysconfig.get_paths()["purelib"]
"""googleapis-common-protos puts its files there."""
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"


def compiled(target: Path) -> bytes:
    """The protos and all that they import, as one descriptor set."""
    run(f"--descriptor_set_out={target}", "--include_imports", *NAMES)
    return target.read_bytes()


def stubs(folder: Path) -> None:
    """The Python stubs that a client generates, under the names that TorchServe's documentation uses."""
    run(f"--python_out={folder}", f"--grpc_python_out={folder}", *NAMES[:-1])


def run(*arguments: str) -> None:
    status = protoc.main(["protoc", f"-I{PROTOS}", f"-I{GOOGLE}", f"-I{WELL_KNOWN}", *arguments])
    assert status == 0, arguments


if __name__ == "__main__":
    compiled(COMPILED)
