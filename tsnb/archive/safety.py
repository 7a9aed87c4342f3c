"""What an archive may not do: leave its folder, overwrite itself, or fill the disk.

Every name that an archive brings goes through :func:`contain`, and every
entry through a :class:`Guard`, before a byte of it is written.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from msgspec import Struct

from tsnb.errors import UnsafeArchive

MAX_ARCHIVE_SIZE = 64 << 30
"""Bytes of an archive when unpacked: 64 GiB."""

MAX_ARCHIVE_FILES = 20_000
"""Files and folders in an archive."""

MAX_ARCHIVE_RATIO = 200
"""Unpacked bytes per packed byte. Text reaches 20; only repetition reaches 1000."""

RATIO_FLOOR = 64 << 20
"""An archive that unpacks to less than this (64 MiB) may have any ratio."""

MAX_COMPONENT = 255
"""Bytes in one component of a path, as file systems have it."""

MAX_NAME = 1024
"""Bytes in the name of an entry."""


class Limits(Struct, frozen=True):
    """How much an archive may unpack to. The names are those of the settings."""

    max_archive_size: int = MAX_ARCHIVE_SIZE
    max_archive_files: int = MAX_ARCHIVE_FILES
    max_archive_ratio: int = MAX_ARCHIVE_RATIO


def contain(root: Path, name: str) -> Path:
    """The resolved path of an archive's member below ``root``. Raises UnsafeArchive.

    Beside the words of the name, the resolved path is compared with the
    resolved root component by component, so that neither a link that is
    already there nor a root with a similar name (``/a/b`` and ``/a/bc``)
    lets a member out.
    """
    base = root.resolve()
    path = base.joinpath(*_components(name)).resolve()
    depth = len(base.parts)
    if len(path.parts) <= depth or path.parts[:depth] != base.parts:
        raise _refused(name, "it leads out of the model's folder")
    return path


def _components(name: str) -> list[str]:
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        raise _refused(name, "it has control characters")
    if "\\" in name:
        raise _refused(name, "it has a backslash")
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        raise _refused(name, "it is absolute")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts:
        raise _refused(name, "it names nothing")
    if ".." in parts:
        raise _refused(name, 'it has ".."')
    if _length(name, name) > MAX_NAME or any(_length(name, part) > MAX_COMPONENT for part in parts):
        raise _refused(name, f"it is longer than {MAX_NAME} bytes, or a part of it than {MAX_COMPONENT}")
    return parts


def _length(name: str, part: str) -> int:
    try:
        return len(part.encode())
    except UnicodeEncodeError as error:
        raise _refused(name, "it is not valid UTF-8") from error


def _refused(name: str, reason: str) -> UnsafeArchive:
    return UnsafeArchive(
        f"The archive has an entry {name[:200]!r}, which is refused: {reason}. Archive the model again without it."
    )


class Guard:
    """Counts what an archive brings and refuses what is too much or comes twice.

    ``packed`` is the size of the archive's file in bytes, None for a folder,
    which has no ratio.
    """

    def __init__(self, root: Path, limits: Limits | None = None, packed: int | None = None) -> None:
        self.root = root.resolve()
        self.limits = limits or Limits()
        self.packed = packed
        self.size = 0
        self.count = 0
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def admit(self, name: str, size: int, *, folder: bool = False) -> str:
        """The member's name with ``/`` between its components and nothing superfluous. Raises UnsafeArchive."""
        clean = contain(self.root, name).relative_to(self.root).as_posix()
        self._measure(name, size)
        self._remember(clean, folder)
        return clean

    def _measure(self, name: str, size: int) -> None:
        if size < 0:
            raise _refused(name, f"its size is {size} bytes")
        self.size += size
        self.count += 1
        limits = self.limits
        if max(self.count, len(self._files) + len(self._folders)) > limits.max_archive_files:
            raise _too_much(f"has more than {limits.max_archive_files} files and folders", "max_archive_files")
        if self.size > limits.max_archive_size:
            raise _too_much(
                f"unpacks to {self.size} bytes or more; {limits.max_archive_size} are allowed", "max_archive_size"
            )
        if self.packed is not None and self.size > max(RATIO_FLOOR, limits.max_archive_ratio * self.packed):
            raise _too_much(
                f"unpacks to {self.size} bytes or more from {self.packed}; {limits.max_archive_ratio} bytes per "
                "packed byte are allowed",
                "max_archive_ratio",
            )

    def _remember(self, clean: str, folder: bool) -> None:
        """Files must differ in more than case or the spelling of a letter, or some disks would mix them up."""
        parents = [parent.as_posix() for parent in Path(clean).parents][:-1]
        for parent in [*parents, clean] if folder else parents:
            self._folders.setdefault(_folded(parent), parent)
            self._clash(self._files, parent, clean)
        if not folder:
            self._clash(self._files, clean, clean)
            self._clash(self._folders, clean, clean)
            self._files[_folded(clean)] = clean

    @staticmethod
    def _clash(known: dict[str, str], name: str, entry: str) -> None:
        first = known.get(_folded(name))
        if first is not None:
            raise _refused(entry, f"{first!r} is there already and many disks cannot hold both")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _too_much(what: str, setting: str) -> UnsafeArchive:
    return UnsafeArchive(f"The archive {what}. If you trust it, raise {setting}.")
