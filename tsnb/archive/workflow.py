"""Workflow archives, ``NAME.war``: a spec and its functions, as torch-workflow-archiver makes them (spec 8.5)."""

from __future__ import annotations

import json
import logging
import os
import re
import uuid
import zipfile
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from tsnb.archive import workflow_spec
from tsnb.archive.collect import Collection, ExtraFiles
from tsnb.archive.packers import STORED_SIZE
from tsnb.archive.safety import contain
from tsnb.archive.workflow_spec import Spec
from tsnb.archive.write import NAME
from tsnb.errors import BadRequest, Conflict, InvalidWorkflow

log = logging.getLogger(__name__)

MANIFEST = "WAR-INF/MANIFEST.json"
ARCHIVER_VERSION = "0.2.15"
"""The torch-workflow-archiver whose layout is written."""
SUFFIX = ".war"


class Described(Struct, frozen=True, rename="camel"):
    """The ``workflow`` part of the manifest; both files lie at the archive's root."""

    workflow_name: str
    spec_file: str
    handler: str = ""


class _Manifest(Struct, frozen=True):
    workflow: Described


def archive_workflow(
    workflow_name: str,
    *,
    spec_file: str | Path,
    handler: str | Path | None = None,
    export_path: str | Path = ".",
    extra_files: ExtraFiles = (),
    force: bool = False,
    manifest: str | None = None,
) -> Path:
    """Write ``NAME.war`` and return its path; the arguments are the flags of torch-workflow-archiver.

    ``manifest`` is the text of ``WAR-INF/MANIFEST.json`` where it is not to be made here. A spec that no server would
    take is archived all the same, with a warning. When this raises, nothing is left and an older archive is
    untouched. Raises BadRequest, Conflict, NotFound.
    """
    target = _target(workflow_name, Path(export_path), force)
    collection = Collection(target)
    described = Described(workflow_name, collection.add_file(spec_file) or "", collection.add_file(handler) or "")
    collection.add_extra(extra_files)
    _look_at(Path(spec_file))
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        _pack(partial, collection, _manifest(described) if manifest is None else manifest)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _target(name: str, folder: Path, force: bool) -> Path:
    if not re.fullmatch(NAME, name):
        raise BadRequest(
            f"Workflow name contains special characters: {name!r}.\n"
            f"The allowed regular expression filter for workflow name is: ^{NAME}$"
        )
    if not folder.is_dir():
        raise BadRequest(f"Given export-path {folder} is not a directory. Point to a valid export-path directory.")
    target = folder / (name + SUFFIX)
    if target.is_dir() or (os.path.lexists(target) and not force):
        raise Conflict(
            f"{target} already exists.\nPlease specify --force/-f option to overwrite the workflow archive output file."
        )
    return target


def _look_at(spec_file: Path) -> None:
    try:
        workflow_spec.parse(spec_file.read_bytes(), spec_file.name)
    except BadRequest as error:
        log.warning("A server will refuse this workflow. %s", error.message)


def _manifest(described: Described) -> str:
    created = datetime.now().strftime("%d/%m/%Y %H:%M:%S")
    workflow = {name: value for name, value in msgspec.to_builtins(described).items() if value}
    return json.dumps({"createdOn": created, "workflow": workflow, "archiverVersion": ARCHIVER_VERSION}, indent=2)


def _pack(path: Path, collection: Collection, manifest: str) -> None:
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED, strict_timestamps=False) as target:
        for member in collection.members():
            big = member.source.stat().st_size >= STORED_SIZE
            target.write(member.source, member.name, zipfile.ZIP_STORED if big else None)
        target.writestr(MANIFEST, manifest)


def read_workflow(folder: Path) -> tuple[Described, Spec]:
    """What an unpacked workflow archive says of itself. Raises InvalidWorkflow, InvalidDag."""
    described = _described(folder)
    spec_file = _named(folder, described.spec_file, "spec")
    spec = workflow_spec.parse(spec_file.read_bytes(), described.spec_file)
    functions = [node.name for node in spec.nodes if not node.url]
    if functions and not described.handler:
        raise InvalidWorkflow(
            f"{', '.join(functions)} stand in the dag but not under models, and the archive has no handler file with "
            "functions of these names. Archive it again with --handler, or name their archives under models."
        )
    if functions:
        _named(folder, described.handler, "handler")
    return described, spec


def _described(folder: Path) -> Described:
    try:
        data = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise InvalidWorkflow(
            f"There is no {MANIFEST}: this is no workflow archive. Make one with --spec-file."
        ) from error
    try:
        return msgspec.json.decode(data, type=_Manifest, strict=False).workflow
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidWorkflow(f"{MANIFEST} cannot be read: {error}. Archive the workflow again.") from error


def _named(folder: Path, name: str, what: str) -> Path:
    path = contain(folder, name) if name else folder
    if not path.is_file():
        raise InvalidWorkflow(f"The archive has no {what} file {name!r}, which its manifest names.")
    return path
