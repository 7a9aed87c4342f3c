"""Unpacking: private folders, shared weights, nothing half-done, several at once."""

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile

import pytest

from tests.archive.conftest import leftovers
from tsnb.archive.cache import Cache
from tsnb.archive.read import discard, extract, open_archive
from tsnb.archive.write import archive
from tsnb.errors import InvalidModel, TsnbError


@pytest.fixture
def mar(source, tmp_path, weights):
    return archive(
        "m", version="1", handler=source / "greeter.py", serialized_file=weights, export_path=tmp_path / "store"
    )


def inode(extraction, name="net.pt"):
    return (extraction.model_dir / name).stat().st_ino


def blobs(cache):
    return [path for path in (cache / "blobs").iterdir() if not path.suffix]


@pytest.mark.parametrize("name", ["greeter.mar", "greeter.tar.gz", "greeter"])
def test_what_comes_out(made, cache, name):
    found = extract(made / name, cache)
    assert found.manifest["model"]["handler"] == "greeter:handle"
    assert found.config["batchSize"] == 2
    assert found.notes == ()
    files = {path.relative_to(found.model_dir).as_posix() for path in found.model_dir.rglob("*") if path.is_file()}
    assert files == set(open_archive(made / name).files)
    discard(found.model_dir)
    assert leftovers(cache) == []


def test_a_folder_is_used_in_place_and_never_removed(made, tmp_path, cache):
    shutil.copytree(made / "greeter", tmp_path / "mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    found = extract(tmp_path / "link", cache)
    assert found.model_dir == (tmp_path / "mine").resolve()
    discard(found.model_dir)
    discard(tmp_path)
    assert (tmp_path / "mine" / "greeter.py").exists()


def test_every_registration_has_its_own_folder(mar, cache):
    one, two = extract(mar, cache), extract(mar, cache)
    assert one.model_dir != two.model_dir
    (one.model_dir / "greeter.py").write_text("changed")
    (one.model_dir / "net.pt").unlink()
    assert "changed" not in (two.model_dir / "greeter.py").read_text()
    assert (two.model_dir / "net.pt").exists()


def test_unchanged_weights_cost_nothing(mar, source, tmp_path, weights, cache):
    one = extract(mar, cache)
    (tmp_path / "new" / "x").mkdir(parents=True)
    (tmp_path / "new" / "greeter.py").write_text("new code")
    newer = archive(
        "m", version="2", handler=tmp_path / "new" / "greeter", serialized_file=weights, export_path=tmp_path
    )
    two = extract(newer, cache)
    assert inode(one) == inode(two)
    assert (two.model_dir / "greeter.py").read_text() == "new code"
    assert len(blobs(cache)) == 1


def unread(path, name="net.pt"):
    """Damage a stored member inside an archive, which only who reads it can notice; size and times stay."""
    times = path.stat()
    with zipfile.ZipFile(path) as mar:
        info = mar.getinfo(name)
    with path.open("r+b") as file:
        file.seek(info.header_offset + 30 + len(name) + 1000)
        file.write(b"damaged!")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_weights_in_the_cache_are_not_even_read(mar, cache):
    first = extract(mar, cache)
    unread(mar)
    assert inode(extract(mar, cache)) == inode(first)
    with pytest.raises(InvalidModel, match="broken"):
        extract(mar, cache.with_name("empty"))


def test_archives_of_other_tools_are_remembered(tmp_path, weights, cache):
    path = tmp_path / "other.mar"
    with zipfile.ZipFile(path, "w") as target:
        target.write(weights, "net.pt")
    first = extract(path, cache)
    unread(path)
    assert inode(extract(path, cache)) == inode(first), "an unchanged file is known"
    os.utime(path)
    with pytest.raises(InvalidModel, match="broken"):
        extract(path, cache)


def test_weights_survive_their_models(mar, cache):
    first = extract(mar, cache)
    number = inode(first)
    discard(first.model_dir)
    assert inode(extract(mar, cache)) == number


def rewritten(mar, path, **members):
    """A copy of an archive with some members replaced, its list of digests left as it was."""
    with zipfile.ZipFile(mar) as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, members.get(info.filename.replace(".", "_"), old.read(info)))
    return path


def test_a_list_that_lies_gains_nothing(mar, tmp_path, cache):
    extract(mar, cache)
    other = os.urandom(2 << 20)
    found = extract(rewritten(mar, tmp_path / "liar.mar", net_pt=other), cache)
    assert (found.model_dir / "net.pt").read_bytes() == other
    assert "net.pt is not the file that MAR-INF/tsnb.json lists" in found.notes[0]


@pytest.mark.parametrize("digest", ["../../../etc/passwd", "/etc/passwd", 7, "a" * 64])
def test_odd_lists_are_ignored(mar, tmp_path, weights, cache, digest):
    index = json.dumps({"files": {"net.pt": {"sha256": digest, "size": 1}}})
    path = tmp_path / "odd.mar"
    with zipfile.ZipFile(mar) as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, index if info.filename == "MAR-INF/tsnb.json" else old.read(info))
    assert (extract(path, cache).model_dir / "net.pt").read_bytes() == weights.read_bytes()


def test_weights_that_a_handler_wrote_into_are_not_handed_on(mar, weights, cache):
    victim = extract(mar, cache).model_dir / "net.pt"
    victim.chmod(0o644)
    with victim.open("r+b") as file:
        file.write(b"damaged!")
    assert (extract(mar, cache).model_dir / "net.pt").read_bytes() == weights.read_bytes()
    assert len(blobs(cache)) == 1


def test_weights_are_read_only(mar, cache):
    assert (extract(mar, cache).model_dir / "net.pt").stat().st_mode & 0o222 == 0


def test_the_longest_unused_weights_go_first(source, tmp_path, cache):
    folders = []
    for number in range(3):
        (tmp_path / "net.pt").write_bytes(os.urandom(1 << 20))
        path = archive(
            f"m{number}",
            version="1",
            handler=source / "greeter",
            serialized_file=tmp_path / "net.pt",
            export_path=tmp_path,
        )
        found = extract(path, cache)
        facts = (cache / "blobs" / open_archive(path).digests()["net.pt"]).with_suffix(".json")
        os.utime(facts, (number, number))
        folders.append(found.model_dir)
    kept_in_use = (folders[0] / "net.pt").stat().st_ino
    newest = (folders[2] / "net.pt").stat().st_ino
    discard(folders[1])
    discard(folders[2])
    Cache(cache).tidy(keep=1 << 20)
    assert {path.stat().st_ino for path in blobs(cache)} == {kept_in_use, newest}
    assert len(list(cache.glob("blobs/*.json"))) == 2


def test_a_broken_member_leaves_nothing(mar, cache):
    unread(mar)
    with pytest.raises(InvalidModel, match="broken"):
        extract(mar, cache)
    assert leftovers(cache) == []
    assert list((cache / "blobs").iterdir()) == []


# --- other processes ---

PAUSED = """
import sys, threading
from pathlib import Path
from tsnb.archive import read, unpack

def pausing(stream):
    yield stream.read(100)
    print("writing", flush=True)
    threading.Event().wait()

unpack.pieces = pausing
read.extract(Path(sys.argv[1]), Path(sys.argv[2]))
"""

WAITING = """
import sys
from pathlib import Path
from tsnb.archive.read import extract

found = extract(Path(sys.argv[1]), Path(sys.argv[2]))
print((found.model_dir / "net.pt").stat().st_ino, found.model_dir, flush=True)
sys.stdin.read()
"""

LIMITED = """
import resource, sys
from pathlib import Path
from tsnb.archive.read import extract
from tsnb.archive.write import archive
from tsnb.errors import TsnbError

resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19))
try:
    if sys.argv[1] == "extract":
        extract(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        archive("m", version="1", handler="base_handler", serialized_file=sys.argv[2], export_path=sys.argv[3],
                archive_format=sys.argv[1], force=True)
except TsnbError as error:
    print(error.message)
"""


def started(program, *arguments):
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_interrupted(mar, cache, blow):
    with started(PAUSED, mar, cache) as child:
        try:
            assert child.stdout.readline() == "writing\n"
            child.send_signal(blow)
            child.wait(20)
        finally:
            child.kill()  # a signal that did not end it must not leave it behind
    if blow == signal.SIGINT:
        assert leftovers(cache) == []
    mine = extract(mar, cache)
    assert leftovers(cache) == [mine.model_dir], "what the dead process left was swept up"
    assert len(list(cache.glob("owners/*"))) == 1


def test_two_processes_at_once(mar, cache):
    with started(WAITING, mar, cache) as one, started(WAITING, mar, cache) as two:
        first, second = one.stdout.readline().split(), two.stdout.readline().split()
        assert first[0] == second[0], "both use the same weights"
        assert first[1] != second[1]
        extract(mar, cache)
        assert len(leftovers(cache)) == 3, "the living keep their folders"
        one.communicate("", timeout=20)
        two.communicate("", timeout=20)
    assert len(blobs(cache)) == 1
    Cache(cache).tidy()
    assert len(leftovers(cache)) == 1


def test_no_space_while_unpacking(mar, cache):
    with started(LIMITED, "extract", mar, cache) as child:
        message = child.communicate(timeout=20)[0]
    assert f"No space left to unpack m.mar: it has {mar.stat().st_size} bytes packed and {cache} has" in message
    assert leftovers(cache) == []
    assert blobs(cache) == []


@pytest.mark.parametrize("archive_format", ["default", "zip-store", "tgz", "no-archive"])
def test_no_space_while_archiving(weights, tmp_path, archive_format):
    target = tmp_path / "out"
    older = archive("m", version="0", handler="base_handler", export_path=target, archive_format=archive_format)
    with started(LIMITED, archive_format, weights, target) as child:
        message = child.communicate(timeout=20)[0]
    assert f"it needs up to {weights.stat().st_size} bytes in {target}" in message
    assert list(target.iterdir()) == [older]
    assert open_archive(older).manifest.version == "0", "the older archive is untouched"


def test_a_cache_of_somebody_else_is_refused(mar, tmp_path):
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    place = tmp_path / "everybodys"
    (place / "cache").mkdir(parents=True)
    place.chmod(0o1777)
    os.chown(place / "cache", 12345, 12345)
    with pytest.raises(TsnbError, match=r"belongs to another user.*cache_dir"):
        extract(mar, place / "cache")
