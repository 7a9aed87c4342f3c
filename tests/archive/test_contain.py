import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsnb.archive.safety import Guard, Limits, contain
from tsnb.errors import UnsafeArchive

parts = st.one_of(
    st.sampled_from(["..", ".", "", "a", "b.py", "C:", "~", "...", "a\\b", "\x00", "Ａ", "é"]), st.text(max_size=8)
)
names = st.one_of(st.lists(parts, max_size=6).map("/".join), st.text())


@settings(max_examples=500)
@given(names)
def test_a_name_is_refused_or_stays_below_the_root(name):
    root = Path("/srv/models/digits")
    try:
        path = contain(root, name)
    except UnsafeArchive:
        return
    assert os.path.commonpath([root, path]) == str(root)
    assert path != root
    assert ".." not in path.parts
    assert not set(str(path)) & {"\\", "\x00"}


@settings(max_examples=200)
@given(st.lists(names, max_size=8))
def test_what_a_guard_admits_is_all_different(entries):
    guard, admitted = Guard(Path("/srv/models/digits")), []
    for name in entries:
        try:
            admitted.append(guard.admit(name, 0))
        except UnsafeArchive:
            continue
    folded = [name.casefold() for name in admitted]
    assert len(set(folded)) == len(folded)
    assert not any(a != b and a.startswith(b + "/") for a in folded for b in folded)


@pytest.mark.parametrize(
    "name",
    [
        "../x", "a/../../x", "a/..", "/etc/passwd", "//etc/passwd", "C:\\x", "c:x", "..\\x", "a\\..\\x", "", ".", "./",
        "a\x00b", "a\nb", "x" * 256, "a/" * 600, "\udc80",
    ],
)  # fmt: skip
def test_names_that_are_refused(name, tmp_path):
    with pytest.raises(UnsafeArchive, match="which is refused"):
        contain(tmp_path, name)


def test_a_root_with_a_similar_name_is_another_root(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "ab").mkdir()
    (tmp_path / "a" / "link").symlink_to(tmp_path / "ab")
    with pytest.raises(UnsafeArchive, match="leads out"):
        contain(tmp_path / "a", "link/x")


def test_dots_and_double_slashes_are_harmless(tmp_path):
    assert contain(tmp_path, "./a//b/./c.py") == tmp_path.resolve() / "a" / "b" / "c.py"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.py", "a.py"),
        ("a.py", "./a.py"),
        ("a.py", "A.py"),
        ("é.py", "e\u0301.py"),
        ("a", "a/b"),
        ("a/b", "A"),
        ("K", "\u212a"),
    ],
)
def test_twins_are_refused(first, second, tmp_path):
    guard = Guard(tmp_path)
    guard.admit(first, 0)
    with pytest.raises(UnsafeArchive, match="is there already"):
        guard.admit(second, 0)


def test_deep_names_count_their_folders(tmp_path):
    guard = Guard(tmp_path, Limits(max_archive_files=100))
    for number in range(21):
        guard.admit(f"{number}/a/b/c/d", 0)
    with pytest.raises(UnsafeArchive, match=r"more than 100 files and folders.*max_archive_files"):
        guard.admit("last", 0)
