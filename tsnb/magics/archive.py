"""``%archive NAME``: handler, model and files into a ``.mar`` in the model store."""

from __future__ import annotations

import json
import os
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

from tsnb import html
from tsnb.capture.cell import module_name
from tsnb.capture.module import SIDECAR, digest
from tsnb.capture.provenance import imported, surroundings
from tsnb.errors import BadRequest, TsnbError
from tsnb.magics.base import Command, argument, arguments, friendly, line_magic, magics_class, parse, split
from tsnb.magics.evaluate import evaluate
from tsnb.magics.sample import is_private, latest_sample
from tsnb.magics.trial import IN_ARCHIVE, settle
from tsnb.magics.views import Note


@magics_class
class ArchiveMagic(Command):
    """``%archive``."""

    word = "archive"

    @line_magic
    @friendly
    @arguments()
    @argument("name", help="the model's name")
    @argument("--version", "-v", default="1.0", help="version of the model (default: 1.0)")
    @argument("--model", metavar="EXPR", help="a live nn.Module in this notebook")
    @argument("--example", metavar="EXPR", help="an input for --model, where it must be traced")
    @argument("--serialized-file", metavar="FILE", help="weights, instead of --model")
    @argument("--model-file", metavar="FILE", help="Python file with the model's class")
    @argument("--handler", help="handler file or default handler (default: the %%%%handler cell of that name)")
    @argument("--extra-files", metavar="FILES", help="comma-separated files, folders and wildcards")
    @argument("--requirements-file", "-r", metavar="FILE", help="pip requirements of the model")
    @argument("--config-file", "-c", metavar="FILE", help="model-config.yaml")
    @argument("--batch-size", type=int, metavar="N", help="written into the configuration")
    @argument("--max-batch-delay", type=int, metavar="MS", help="written into the configuration")
    @argument("--export-path", metavar="DIR", help="folder for the archive (default: the model store)")
    @argument("--archive-format", default="default", metavar="FORMAT", help="default, zip-store, tgz or no-archive")
    @argument("--no-sample", action="store_true", help="record no request and answer of the served model")
    @argument("--force", "-f", action="store_true", help="accepted; an older archive of this name is replaced anyway")
    def archive(self, line: str) -> Note:
        """Write a model archive. TorchServe serves it as well."""
        options = parse(self, split(line))
        if options.model and options.serialized_file:
            raise BadRequest("--model and --serialized-file exclude each other: the weights come from one of them")
        with tempfile.TemporaryDirectory(prefix="tsnb-archive-") as folder:
            return self._write(options, Path(folder))

    def _write(self, options: Namespace, folder: Path) -> Note:
        from tsnb.archive.write import archive

        late = settle(self.session, options.name, IN_ARCHIVE) if not options.handler else ""
        handler, record = self._handler(options)
        parts = _split_files(options.extra_files) + _companions(handler, record, folder / "companions")
        serialized, model_file, notes = options.serialized_file, options.model_file, []
        if options.model:
            files = self._model(options, folder)
            serialized, model_file, notes = files.serialized_file, options.model_file or files.model_file, files.notes
            parts += map(str, files.extra_files)
        target = Path(options.export_path) if options.export_path else self.session.store()
        target.mkdir(parents=True, exist_ok=True)
        before = _version_at(target / f"{options.name}.mar")
        config = _config(options, folder)
        origin = self._origin(options, handler, record, config)
        path = archive(
            options.name,
            version=options.version,
            handler=handler,
            serialized_file=serialized,
            model_file=model_file,
            extra_files=parts,
            export_path=target,
            archive_format=options.archive_format,
            force=True,
            requirements_file=options.requirements_file,
            config_file=config,
            provenance=origin,
        )
        self.session.archives[options.name] = path.absolute()
        self.session.unarchived.pop(options.name, None)
        facts = [*notes, *_told(origin), *_forgotten(record, path), *([late] if late else [])]
        replaced = [_replaced(options, before)] if before else []
        return Note(f"archive {options.name} {options.version} → {_size(path)}", *facts, *replaced)

    def _origin(self, options: Namespace, handler: str, record: dict[str, Any], config: str | None) -> dict[str, Any]:
        """Where the archive comes from, for ``MAR-INF/tsnb.json``."""
        origin = dict(record.get("provenance") or {"distributions": imported(handler)})
        origin.update(surroundings(self.shell.user_ns))
        client = None if options.no_sample or is_private(config) else self.session.connection.find()
        sample = latest_sample(client, options.name) if client is not None else None
        return {**origin, "sample": sample} if sample else origin

    def _handler(self, options: Namespace) -> tuple[str, dict[str, Any]]:
        """The handler's path or name, and what its sidecar says."""
        written = self.session.handlers_of.get(options.name)
        guess = Path(self.session.handlers) / f"{module_name(options.name)}.py"
        handler = options.handler or (str(written) if written else str(guess) if guess.is_file() else "")
        if not handler:
            raise BadRequest(
                f"{options.name} has no handler: run a %%handler {options.name} cell first, "
                "or name a file or a default handler with --handler"
            )
        return handler, _sidecar(handler)

    def _model(self, options: Namespace, folder: Path) -> Any:
        from tsnb.capture.live import model_files

        net = evaluate(self.shell, options.model, "--model")
        example = evaluate(self.shell, options.example, "--example") if options.example else None
        return model_files(
            net, options.name, folder, self.session.cells, self.shell.user_ns, expression=options.model, example=example
        )


def _companions(handler: str, record: dict[str, Any], folder: Path) -> list[str]:
    """Files that belong to a captured handler, in a folder: its line map and the modules beside the notebook."""
    if not record:
        return []
    home = Path(handler).absolute().parent
    name = Path(handler).stem + SIDECAR
    for inside, path in {name: name, **record.get("files", {})}.items():
        (folder / inside).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(home / path, folder / inside)
    return [str(folder)]


def _sidecar(handler: str) -> dict[str, Any]:
    """What stands beside a captured handler; nothing where its module was edited since, whose lines are others now."""
    path = Path(handler).with_name(Path(handler).stem + SIDECAR)
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        source = path.with_name(Path(handler).stem + ".py").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return {}
    return record if record.get("source") == digest(source) else {}


def _forgotten(record: dict[str, Any], path: Path) -> list[str]:
    """A line for each data file that the handler names and that is not in the archive."""
    from tsnb.archive.read import open_archive

    named = record.get("data_files", {})
    inside = {Path(name).name for name in open_archive(path).files} if named else set()
    missing = [name for name in named if Path(name).name not in inside]
    return [f"the handler names {name}, which is not in the archive: --extra-files {name} adds it" for name in missing]


def _told(origin: dict[str, Any]) -> list[str]:
    """What the user should know of what is recorded."""
    sample = origin.get("sample")
    kept = f"request {sample['id']} and its answer are in it as a sample; --no-sample leaves them out" if sample else ""
    return [kept] if kept else []


def _split_files(text: str | None) -> list[str]:
    return [part for part in (text or "").split(",") if part]


def _config(options: Namespace, folder: Path) -> str | None:
    """The configuration file, with what was said on the line written into it."""
    said = {"batchSize": options.batch_size, "maxBatchDelay": options.max_batch_delay}
    said = {key: value for key, value in said.items() if value is not None}
    if not said:
        name: str | None = options.config_file
        return name
    import yaml

    try:
        known = yaml.safe_load(Path(options.config_file).read_text(encoding="utf-8")) if options.config_file else {}
    except (OSError, yaml.YAMLError) as error:
        raise BadRequest(f"--config-file {options.config_file} cannot be read: {error}") from error
    path = folder / "model-config.yaml"
    path.write_text(yaml.safe_dump({**(known or {}), **said}, sort_keys=False), encoding="utf-8")
    return str(path)


def _version_at(path: Path) -> str:
    """The version in an archive that is there already, ``""`` if there is none that can be read."""
    from tsnb.archive.read import open_archive

    if not path.exists():
        return ""
    try:
        return open_archive(path).manifest.version
    except (TsnbError, OSError):
        return "unknown"


def _replaced(options: Namespace, before: str) -> str:
    """What became of the archive that was there."""
    if before in (options.version, "unknown"):
        return f"it replaces the archive of version {before}"
    return (
        f"{options.name}.mar held version {before}; served workers of {before} keep running, but a restart would find "
        f"only {options.version}: to keep both, use --export-path, or name them apart"
    )


def _size(path: Path) -> str:
    shown = os.path.relpath(path)
    shown = str(path) if shown.startswith("..") else shown
    return f"{shown} ({html.bytes_text(path.stat().st_size)})" if path.is_file() else shown
