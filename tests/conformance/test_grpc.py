"""The protos that tsnb ships beside those in the jar of the real TorchServe (spec 4.1 to 4.3)."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.torchserve


def test_the_messages_are_those_of_the_published_protos(torchserve: Path, tmp_path: Path) -> None:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    from tests.rpc.compile import GOOGLE, WELL_KNOWN, protoc
    from tsnb.rpc.descriptors import COMPILED, PROTOS

    (jar,) = torchserve.parent.glob("lib/python*/site-packages/ts/frontend/model-server.jar")
    names = [path.name for path in PROTOS.glob("*.proto")]
    with zipfile.ZipFile(jar) as archive:
        for name in names:
            (tmp_path / name).write_bytes(archive.read(f"proto/{name}"))
    folders = [f"-I{folder}" for folder in (tmp_path, GOOGLE, WELL_KNOWN)]
    assert protoc.main(["protoc", *folders, f"--descriptor_set_out={tmp_path / 'theirs'}", *names]) == 0
    ours = {file.name: file for file in FileDescriptorSet.FromString(COMPILED.read_bytes()).file}
    for file in FileDescriptorSet.FromString((tmp_path / "theirs").read_bytes()).file:
        for part in ("message_type", "service"):
            theirs = {each.name: each for each in getattr(file, part)}
            assert theirs == {each.name: each for each in getattr(ours[file.name], part)}
