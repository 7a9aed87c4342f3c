"""A running server, from the command line: its models, their answers, their workers, their words."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from tsnb.cli.commands import Run
from tsnb.client import Client
from tsnb.errors import BadRequest, TsnbError
from tsnb.messages import ModelStatus


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help="the server (default: TSNB_URL, else http://127.0.0.1:8080)")
    parser.add_argument("--management-url", metavar="URL", help="its management address, where that is another")
    parser.add_argument("--token", help="the key to it (default: TSNB_TOKEN, else key_file.json in this folder)")


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the model")
    parser.add_argument("--version", help="a version other than the default one")
    _add_server(parser)


def _client(args: argparse.Namespace) -> Client:
    return Client(args.url, args.token, args.management_url)


def models(parser: argparse.ArgumentParser) -> Run:
    """All models, one line each."""
    parser.add_argument("--json", action="store_true", help="everything the server says, as JSON")
    _add_server(parser)
    return _models


def _models(args: argparse.Namespace) -> int:
    with _client(args) as client:
        found = client.models()
    if args.json:
        print(json.dumps(msgspec.to_builtins(found), indent=2))
    else:
        print(_table([("MODEL", "VERSION", "WORKERS", "QUEUED", "REQUESTS", "ERRORS", "MEAN"), *map(_row, found)]))
    return 0


def _row(model: ModelStatus) -> tuple[str, ...]:
    ready = sum(worker.state == "ready" for worker in model.workers)
    counts = (str(count) for count in (model.queued, model.requests, model.errors))
    version = f"{model.spec.version}{' (default)' if model.default else ''}"
    return (model.spec.name, version, f"{ready}/{len(model.workers)}", *counts, f"{model.latency * 1000:.1f} ms")


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def predict(parser: argparse.ArgumentParser) -> Run:
    """One request; the answer goes to stdout as it came."""
    _add_model(parser)
    parser.add_argument("data", metavar="DATA", help="a file, JSON, or - for standard input")
    parser.add_argument("--content-type", metavar="TYPE", help="MIME type of the data")
    parser.add_argument("--explain", action="store_true", help="ask for an explanation instead")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="how long to wait")
    parser.epilog = """examples:
  tsnb predict digits sample.png
  tsnb predict sums '{"a": 1}'
  echo hello | tsnb predict echo -"""
    return _predict


def _predict(args: argparse.Namespace) -> int:
    data = _data(args.data)
    with _client(args) as client:
        try:
            result = client.predict(
                args.name,
                data,
                args.version,
                content_type=args.content_type,
                explain=args.explain,
                timeout=args.timeout,
            )
        except TsnbError as error:
            if error.failure is not None:
                print(error.failure.traceback.rstrip(), file=sys.stderr)
            raise
    sys.stdout.buffer.write(result.content)
    if sys.stdout.isatty() and not result.content.endswith(b"\n"):
        print()
    return 0 if result.ok else 1


def _data(text: str) -> Any:
    """What to send. A word that is neither a file nor JSON is a misspelt file name, not a text."""
    if text == "-":
        return sys.stdin.buffer.read()
    if Path(text).is_file():
        return Path(text)
    try:
        return json.loads(text)
    except ValueError:
        raise BadRequest(f"{text!r} is no file and no JSON. Name a file, or use - and pipe the data in.") from None


def register(parser: argparse.ArgumentParser) -> Run:
    """An archive of the server's model store, a URL, or a folder; returns when its workers are ready."""
    add = parser.add_argument
    add("archive", metavar="ARCHIVE", help="a file in the server's model store, a URL, or a folder on its machine")
    add("--name", help="what to call it (default: what the archive says)")
    add("--workers", type=int, default=1, metavar="N", help="how many workers to start (default: 1)")
    add("--batch-size", type=int, metavar="N", help="most requests that the handler gets at once")
    _add_server(parser)
    parser.epilog = "The server must allow it: tsnb serve --enable-model-api."
    return _register


def _register(args: argparse.Namespace) -> int:
    with _client(args) as client:
        print(
            client.register(
                args.archive, model_name=args.name, initial_workers=args.workers, batch_size=args.batch_size
            )
        )
    return 0


def default(parser: argparse.ArgumentParser) -> Run:
    """Another default version."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("version", metavar="VERSION")
    _add_server(parser)
    return _default


def _default(args: argparse.Namespace) -> int:
    with _client(args) as client:
        print(client.set_default(args.name, args.version))
    return 0


def scale(parser: argparse.ArgumentParser) -> Run:
    """A new number of workers; returns when they are ready."""
    _add_model(parser)
    parser.add_argument("workers", type=int, metavar="N", help="how many workers; 0 stops all of them")
    return _scale


def _scale(args: argparse.Namespace) -> int:
    with _client(args) as client:
        print(client.scale(args.name, args.workers, args.version))
    return 0


def unserve(parser: argparse.ArgumentParser) -> Run:
    """Stop a model's workers and forget it."""
    _add_model(parser)
    return _unserve


def _unserve(args: argparse.Namespace) -> int:
    with _client(args) as client:
        print(client.unregister(args.name, args.version))
    return 0


def logs(parser: argparse.ArgumentParser) -> Run:
    """The latest lines, oldest first."""
    _add_model(parser)
    return _logs


def _logs(args: argparse.Namespace) -> int:
    with _client(args) as client:
        for line in client.logs(args.name, args.version):
            time = datetime.fromtimestamp(line.time).strftime("%H:%M:%S")
            print(f"{time} {line.worker} {line.stream}: {line.text}")
    return 0
