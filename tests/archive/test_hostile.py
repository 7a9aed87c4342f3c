"""Archives that try to escape, to explode or to confuse. Each is built here, refused, and leaves nothing behind."""

import io
import os
import random
import stat
import tarfile
import zipfile

import pytest

from tests.archive.conftest import leftovers
from tsnb.archive.read import Limits, discard, extract, open_archive
from tsnb.errors import InvalidModel, TsnbError, UnsafeArchive


def zipped(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as mar:
        for member in members:
            name, data = member if isinstance(member, tuple) else (member, b"x")
            mar.writestr(name, data)
    return path


def tarred(path, *members):
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for member in members:
            info, data = member if isinstance(member, tuple) else (member, b"x")
            info = tarfile.TarInfo(info) if isinstance(info, str) else info
            info.size = len(data) if info.type == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(data))
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_special(name, mode):
    info = zipfile.ZipInfo(name)
    info.external_attr = (mode | 0o777) << 16
    return info, b"/etc/passwd"


def refused(path, cache, kind=UnsafeArchive, match=None, limits=None):
    """Opening and unpacking both refuse, and nothing is left."""
    with pytest.raises(kind, match=match):
        open_archive(path, limits=limits)
    with pytest.raises(kind, match=match):
        extract(path, cache, limits)
    assert leftovers(cache) == []
    assert [blob for blob in (cache / "blobs").iterdir() if blob.stat().st_size > 1 << 26] == []


@pytest.mark.parametrize("name", ["../x.py", "a/../../x.py", "/tmp/x.py", "C:/x.py", "..\\x.py", "a\\x.py"])
def test_zip_names_that_lead_out(name, tmp_path, cache):
    refused(zipped(tmp_path / "m.mar", "h.py", name), cache, match="which is refused")


@pytest.mark.parametrize("name", ["../x.py", "m/../../x.py", "/m/x.py", "m/..\\x.py", "../../m/x.py"])
def test_tar_names_that_lead_out(name, tmp_path, cache):
    refused(tarred(tmp_path / "m.tar.gz", "m/h.py", name), cache, match="which is refused")


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_zip_entries_that_are_no_files(mode, tmp_path, cache):
    refused(zipped(tmp_path / "m.mar", zip_special("link", mode)), cache, match="which is a (link|device)")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_tar_devices(kind, tmp_path, cache):
    refused(tarred(tmp_path / "m.tar.gz", (special("m/dev", kind), b"")), cache, match="device")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "../x", "sub/../../../x"])
def test_tar_symlinks_that_lead_out(target, tmp_path, cache):
    refused(tarred(tmp_path / "m.tar.gz", (special("m/link", tarfile.SYMTYPE, target), b"")), cache, match="link out")


@pytest.mark.parametrize("target", ["/etc/passwd", "../x", "m/../../x"])
def test_tar_hard_links_that_lead_out(target, tmp_path, cache):
    with pytest.raises(UnsafeArchive):
        extract(tarred(tmp_path / "m.tar.gz", (special("m/link", tarfile.LNKTYPE, target), b"")), cache)
    assert leftovers(cache) == []


def test_writing_through_a_link_is_impossible(tmp_path, cache):
    (tmp_path / "outside").mkdir()
    link = special("m/sub", tarfile.SYMTYPE, str(tmp_path / "outside"))
    refused(tarred(tmp_path / "m.tar.gz", (link, b""), "m/sub/x"), cache)
    inner = special("m/sub", tarfile.SYMTYPE, "other")
    refused(tarred(tmp_path / "n.tar.gz", "m/other/y", (inner, b""), "m/sub/x"), cache, match="is there already")
    assert list((tmp_path / "outside").iterdir()) == []


def test_links_within_become_copies(tmp_path, cache):
    soft, hard = special("m/sub/soft", tarfile.SYMTYPE, "../h.py"), special("m/hard", tarfile.LNKTYPE, "m/h.py")
    path = tarred(tmp_path / "m.tar.gz", (soft, b""), ("m/h.py", b"code"), (hard, b""))
    folder = extract(path, cache).model_dir
    assert (folder / "sub" / "soft").read_bytes() == (folder / "hard").read_bytes() == b"code"
    assert not (folder / "sub" / "soft").is_symlink()
    assert (folder / "hard").stat().st_nlink == 1
    discard(folder)


def test_links_to_nothing_are_refused(tmp_path, cache):
    path = tarred(
        tmp_path / "m.tar.gz", (special("m/a", tarfile.SYMTYPE, "b"), b""), (special("m/b", tarfile.SYMTYPE, "a"), b"")
    )
    with pytest.raises(UnsafeArchive, match="no file of the archive"):
        extract(path, cache)
    assert leftovers(cache) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("twin", ["h.py", "H.py", "./h.py", "ｈ.py"])
def test_two_entries_for_one_place(twin, tmp_path, cache):
    refused(zipped(tmp_path / "m.mar", "h.py", twin), cache, match="is there already")
    refused(tarred(tmp_path / "m.tar.gz", "m/h.py", f"m/{twin}"), cache, match="is there already")


def test_different_tops_in_a_tar_do_not_hide_twins(tmp_path, cache):
    refused(tarred(tmp_path / "m.tar.gz", "m/h.py", "n/h.py"), cache, match="is there already")


def test_bombs_by_ratio(tmp_path, cache):
    zeros = b"\0" * (70 << 20)
    refused(zipped(tmp_path / "m.mar", ("z", zeros)), cache, match="200 bytes per packed byte.*max_archive_ratio")
    refused(tarred(tmp_path / "m.tar.gz", ("m/z", zeros)), cache, match="max_archive_ratio")
    trusted = Limits(max_archive_ratio=2000)
    assert open_archive(tmp_path / "m.mar", limits=trusted).files == {"z": 70 << 20}


def test_bombs_by_size_and_number(tmp_path, cache):
    limits = Limits(max_archive_size=1000, max_archive_files=3)
    refused(
        zipped(tmp_path / "a.mar", ("z", os.urandom(1001))),
        cache,
        match="1000 are allowed.*max_archive_size",
        limits=limits,
    )
    refused(zipped(tmp_path / "b.mar", *"abcd"), cache, match="more than 3 files.*max_archive_files", limits=limits)
    refused(tarred(tmp_path / "a.tar.gz", ("m/z", os.urandom(1001))), cache, match="max_archive_size", limits=limits)
    refused(
        tarred(tmp_path / "b.tar.gz", *["m/a", "m/b", "m/c", "m/d"]), cache, match="max_archive_files", limits=limits
    )


def test_a_header_cannot_fill_the_memory(tmp_path, cache):
    info = tarfile.TarInfo("m/h.py")
    info.pax_headers = {"comment": "x" * (6 << 20)}
    with tarfile.open(tmp_path / "m.tar.gz", "w:gz", format=tarfile.PAX_FORMAT, compresslevel=1) as tar:
        tar.addfile(info, io.BytesIO(b""))
    refused(tmp_path / "m.tar.gz", cache, match="header of .* bytes; 4194304 are allowed")


def test_not_an_archive(tmp_path, cache):
    (tmp_path / "m.mar").write_text("<html>404</html>")
    refused(tmp_path / "m.mar", cache, InvalidModel, r"neither a zip \(\.mar\) nor a gzipped tar")
    (tmp_path / "e.mar").write_bytes(b"")
    refused(tmp_path / "e.mar", cache, InvalidModel, "neither")


@pytest.mark.parametrize("name", ["greeter.mar", "greeter.tar.gz"])
def test_truncated(name, made, tmp_path, cache):
    data = (made / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    refused(tmp_path / name, cache, InvalidModel, "is broken.*Copy or archive it again")


def test_manifest_that_is_a_list(tmp_path, cache):
    refused(
        zipped(tmp_path / "m.mar", ("MAR-INF/MANIFEST.json", b"[]")),
        cache,
        InvalidModel,
        r"Failed to parse signature\.json\.",
    )


def test_encrypted(tmp_path, cache):
    data = bytearray(zipped(tmp_path / "m.mar", "h.py").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "m.mar").write_bytes(data)
    refused(tmp_path / "m.mar", cache, InvalidModel, "encrypted")


@pytest.mark.parametrize("name", ["greeter.mar", "greeter.tar.gz"])
def test_damaged_bytes_never_surprise(name, made, tmp_path, cache):
    """Whatever is wrong with the bytes, the answer is an archive or one of our errors."""
    dice, whole = random.Random(20), (made / name).read_bytes()
    for number in range(150):
        data = bytearray(whole)
        for _ in range(dice.choice([1, 1, 2, 8])):
            data[dice.randrange(len(data))] = dice.randrange(256)
        path = tmp_path / f"{number}-{name}"
        path.write_bytes(data)
        for attempt in (
            lambda path=path: open_archive(path).digests(),
            lambda path=path: discard(extract(path, cache).model_dir),
        ):
            try:
                attempt()
            except TsnbError:
                continue
    assert leftovers(cache) == []
    assert not (tmp_path.parent / "x").exists()
