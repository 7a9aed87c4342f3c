"""The flags of ``torch-model-archiver`` (spec 5.3), for every command line that takes them."""

from __future__ import annotations

from argparse import ArgumentParser

from tsnb.archive.write import FORMATS, RUNTIMES


def add_flags(parser: ArgumentParser) -> None:
    """Each flag's destination is the parameter of :func:`tsnb.archive.write.archive` that it sets."""
    add = parser.add_argument
    add("--model-name", required=True, metavar="NAME", help="what the model is called; names the archive")
    add("--version", "-v", required=True, help="version of the model, any text")
    add("--handler", required=True, help="a default handler, or a Python file, FILE:FUNCTION if need be")
    add("--serialized-file", metavar="FILE", help="weights or program: .pt, .pth, .safetensors, .onnx …")
    add("--model-file", metavar="FILE", help="Python file with the model's one class")
    add("--extra-files", default="", metavar="FILES", help="comma-separated files, folders and wildcards")
    add("--runtime", default="python", choices=RUNTIMES, help="what runs the handler (default: python)")
    add("--export-path", default=".", metavar="DIR", help="where to put the archive (default: here)")
    add(
        "--archive-format",
        default="default",
        choices=list(FORMATS),
        help="default and zip-store: NAME.mar, the latter without compression; tgz: NAME.tar.gz; no-archive: a folder",
    )
    add("--force", "-f", action="store_true", help="replace an archive of that name")
    add("--requirements-file", "-r", metavar="FILE", help="packages the model needs")
    add("--config-file", "-c", metavar="FILE", help="model-config.yaml")
