"""Archiving again: big files that did not change are copied without being looked at, all others are read."""

import hashlib
import os
import time
import zipfile

import msgspec
import pytest

from tsnb.archive import write
from tsnb.archive.unchanged import SETTLED, state, unchanged

SIZE = 3 << 20


@pytest.fixture
def files(tmp_path):
    (tmp_path / "h.py").write_text("def handle(data, context):\n    return data\n")
    (tmp_path / "big.pt").write_bytes(os.urandom(SIZE))
    settle(tmp_path / "big.pt")
    return tmp_path


def settle(path):
    """Wait until the clock has moved on enough for a change to show."""
    deadline = time.monotonic() + 10
    while not state(path):
        assert time.monotonic() < deadline
        os.sched_yield()


def archive(folder):
    return write.archive(
        "m",
        version="1.0",
        handler=folder / "h.py",
        serialized_file=folder / "big.pt",
        export_path=folder / "store",
        force=True,
    )


def index(path):
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        return msgspec.json.decode(file.read("MAR-INF/tsnb.json"))["files"]


def reused(folder):
    member = write.Member("big.pt", folder / "big.pt")
    return list(unchanged(folder / "store" / "m.mar", [member]))


def test_an_unchanged_file_keeps_its_digest_and_the_archive_is_whole(files):
    first = index(archive(files))
    assert reused(files) == ["big.pt"]
    (files / "h.py").write_text("def handle(data, context):\n    return [1]\n")
    again = archive(files)
    assert index(again)["big.pt"] == first["big.pt"]
    with zipfile.ZipFile(again) as file:
        assert file.read("big.pt") == (files / "big.pt").read_bytes()
        assert b"[1]" in file.read("h.py")
        assert file.namelist()[0] == "MAR-INF/MANIFEST.json"


def test_a_file_that_changed_is_read_even_if_its_size_and_time_are_the_same(files):
    archive(files)
    times = (files / "big.pt").stat()
    (files / "big.pt").write_bytes(os.urandom(SIZE))
    os.utime(files / "big.pt", ns=(times.st_atime_ns, times.st_mtime_ns))
    settle(files / "big.pt")
    assert reused(files) == []
    digest = hashlib.sha256((files / "big.pt").read_bytes()).hexdigest()
    assert index(archive(files))["big.pt"]["sha256"] == digest


def test_another_file_of_the_same_name_is_read(files):
    archive(files)
    (files / "big.pt").rename(files / "old.pt")
    (files / "big.pt").write_bytes((files / "old.pt").read_bytes())
    settle(files / "big.pt")
    assert reused(files) == []


def test_a_file_that_was_written_this_moment_is_not_trusted(tmp_path):
    path = tmp_path / "new"
    path.write_bytes(b"x")
    if time.time() - path.stat().st_ctime < SETTLED / 2:
        assert state(path) == ""


@pytest.mark.parametrize("older", [b"", b"PK\x03\x04 no zip", None], ids=["empty", "broken", "none"])
def test_whatever_stands_in_the_place_does_no_harm(files, older):
    (files / "store").mkdir()
    if older is not None:
        (files / "store" / "m.mar").write_bytes(older)
    assert reused(files) == []
    assert index(archive(files))["big.pt"]["size"] == SIZE


def test_an_older_archive_of_another_tool_is_no_help_and_no_harm(files):
    (files / "store").mkdir()
    with zipfile.ZipFile(files / "store" / "m.mar", "w") as file:
        file.writestr("big.pt", b"other")
    assert reused(files) == []


def test_a_file_that_becomes_shorter_meanwhile_is_an_error_and_the_older_archive_stays(files, monkeypatch):
    path = archive(files)
    before = path.read_bytes()
    with (files / "big.pt").open("r+b") as file:
        known = unchanged(path, [write.Member("big.pt", files / "big.pt")])
        file.truncate(1000)
    monkeypatch.setattr(write, "unchanged", lambda *_: known)
    with pytest.raises(OSError, match="became shorter"):
        archive(files)
    assert path.read_bytes() == before
    assert os.listdir(files / "store") == ["m.mar"]
