"""Make an archive that TorchServe and tsnb can serve (spec 5.1 to 5.3).

The archive is written beside its final place and moved there when it is
whole, so nobody ever meets half of one.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from tsnb.archive.collect import Collection, ExtraFiles, Member, handler_name
from tsnb.archive.manifest import MANIFEST, Model, encode, new
from tsnb.archive.packers import Contents, is_stored, pack_folder, pack_tar, pack_zip
from tsnb.archive.settings import parse_config
from tsnb.archive.unchanged import unchanged
from tsnb.errors import BadRequest, Conflict, TsnbError

log = logging.getLogger(__name__)

NAME = r"[A-Za-z0-9][A-Za-z0-9_\-.]*"
"""What a model may be called."""

RUNTIMES = ("python", "python3", "LSP")

FORMATS: dict[str, tuple[str, Callable[[Path, Contents], None]]] = {
    "default": (".mar", lambda path, contents: pack_zip(path, contents, deflate=True)),
    "zip-store": (".mar", lambda path, contents: pack_zip(path, contents, deflate=False)),
    "tgz": (".tar.gz", pack_tar),
    "no-archive": ("", pack_folder),
}
"""Archive format → suffix and how it is written."""


def archive(
    model_name: str,
    *,
    version: str | float,
    handler: str | Path,
    serialized_file: str | Path | None = None,
    model_file: str | Path | None = None,
    extra_files: ExtraFiles = (),
    runtime: str = "python",
    export_path: str | Path = ".",
    archive_format: str = "default",
    force: bool = False,
    requirements_file: str | Path | None = None,
    config_file: str | Path | None = None,
    provenance: Mapping[str, Any] | None = None,
    manifest: str | None = None,
) -> Path:
    """Write an archive and return its path; the arguments are the flags of torch-model-archiver.

    ``extra_files`` is a comma-separated string or a list of files, folders
    (whose contents are taken) and wildcards. ``provenance`` is kept in
    ``MAR-INF/tsnb.json`` and must be JSON. ``manifest`` is the text of
    ``MAR-INF/MANIFEST.json`` where it is not to be made here. When this raises,
    nothing is left and an older archive is untouched. Raises BadRequest, Conflict, NotFound,
    InvalidModel, and TsnbError when the disk is full.
    """
    _check(model_name, str(version), runtime, archive_format)
    suffix, pack = FORMATS[archive_format]
    target = _target(Path(export_path), model_name + suffix, force)
    collection = Collection(target)
    named, handler_file = handler_name(handler, runtime)
    collection.add_file(handler_file)
    model = Model(
        model_name=model_name,
        serialized_file=collection.add_file(serialized_file),
        handler=named,
        model_file=collection.add_file(model_file),
        model_version=str(version) or None,
        requirements_file=collection.add_file(requirements_file),
        config_file=collection.add_file(config_file),
    )
    collection.add_extra(extra_files)
    _check_config(config_file)
    created = datetime.now()
    text = manifest.encode() if manifest is not None else encode(new(model, runtime, created))
    members = collection.members()
    contents = Contents(
        model_name, text, members, _json(provenance or {}), created, unchanged(target, members) if force else {}
    )
    _keep_sources_out(target, contents.members)
    _write(target, contents, pack, force)
    return target


def archive_folder(
    folder: str | Path,
    model_name: str,
    *,
    manifest: str,
    export_path: str | Path = ".",
    archive_format: str = "default",
) -> Path:
    """Archive what lies in a folder with this text as its manifest; an older archive is replaced.

    Where the folder is what ``no-archive`` would write, it just gets the manifest.
    Raises BadRequest, Conflict, NotFound, and TsnbError when the disk is full.
    """
    _check(model_name, "", RUNTIMES[0], archive_format)
    suffix, pack = FORMATS[archive_format]
    target = _target(Path(export_path), model_name + suffix, force=True)
    if target.is_dir() and target.samefile(folder):
        (target / MANIFEST).parent.mkdir(exist_ok=True)
        (target / MANIFEST).write_text(manifest, encoding="utf-8")
        return target
    collection = Collection(target)
    collection.add_extra([folder])
    contents = Contents(model_name, manifest.encode(), collection.members(), {}, datetime.now())
    _keep_sources_out(target, contents.members)
    _write(target, contents, pack, force=True)
    return target


def _check(model_name: str, version: str, runtime: str, archive_format: str) -> None:
    if not re.fullmatch(NAME, model_name):
        raise BadRequest(
            f"Model name contains special characters: {model_name!r}. "
            f"The allowed regular expression filter for model name is: ^{NAME}$"
        )
    if version.encode(errors="replace").decode() != version:
        raise BadRequest(f"The version {version!r} is no Unicode text. Give it another.")
    if runtime not in RUNTIMES:
        raise BadRequest(f"Invalid RuntimeType value: {runtime}. Choose from {', '.join(RUNTIMES)}.")
    if archive_format not in FORMATS:
        raise BadRequest(f"Unknown archive format {archive_format!r}. Choose from {', '.join(FORMATS)}.")


def _target(folder: Path, name: str, force: bool) -> Path:
    """The archive's final path. A missing folder is made."""
    if folder.exists() and not folder.is_dir():
        raise BadRequest(f"Given export-path {folder} is not a directory. Point to a valid export-path directory.")
    if not folder.exists():
        folder.mkdir(parents=True)
        log.warning("Export path %s did not exist and was created.", folder)
    target = folder / name
    if os.path.lexists(target) and not force:
        raise _exists(target)
    return target


def _exists(target: Path) -> Conflict:
    return Conflict(
        f"{target} already exists.\nPlease specify --force/-f option (force=True) to overwrite the model archive "
        "output file."
    )


def _check_config(config_file: str | Path | None) -> None:
    if config_file is not None:
        for note in parse_config(Path(config_file).read_bytes(), str(config_file))[1]:
            log.warning("%s", note)


def _json(provenance: Mapping[str, Any]) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(provenance)))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadRequest(
            f"The provenance cannot be written as JSON: {error}. Use strings, numbers, lists and dicts."
        ) from error
    return plain


def _keep_sources_out(target: Path, members: list[Member]) -> None:
    """A model folder that is overwritten must be one, and must not hold what is being archived."""
    if not target.is_dir():
        return
    if target.is_symlink() or not (target / "MAR-INF").is_dir():
        raise Conflict(
            f"{target} is a folder, and not one this archiver made. Remove it yourself, or choose another name."
        )
    for member in members:
        if member.source.resolve().is_relative_to(target.resolve()):
            raise Conflict(
                f"{target} would be overwritten, but holds {member.source}, which is being archived. "
                "Choose another export path."
            )


def _write(target: Path, contents: Contents, pack: Callable[[Path, Contents], None], force: bool) -> None:
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        _need_space(target.parent, contents)
        pack(partial, contents)
        _move(partial, target, force)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            _remove(partial)  # before counting what is free
            raise _full_disk(target, contents) from error
        raise
    finally:
        _remove(partial)


def _need_space(folder: Path, contents: Contents) -> None:
    """Refuse at once what cannot fit: members that are stored as they are need their size."""
    least = sum(member.source.stat().st_size for member in contents.members if is_stored(member))
    if least > shutil.disk_usage(folder).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _full_disk(target: Path, contents: Contents) -> TsnbError:
    needed = sum(member.source.stat().st_size for member in contents.members)
    return TsnbError(
        f"No space left to write {target.name}: it needs up to {needed} bytes in {target.parent.resolve()}, where "
        f"{shutil.disk_usage(target.parent).free} are free. Free some space there, or choose another export path."
    )


def _move(partial: Path, target: Path, force: bool) -> None:
    if not force:
        if os.path.lexists(target):  # it came while we were writing
            raise _exists(target)
        os.rename(partial, target)
    elif target.is_dir():
        older = partial.with_suffix(".old")
        os.rename(target, older)
        os.rename(partial, target)
        shutil.rmtree(older)
    else:
        os.replace(partial, target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
