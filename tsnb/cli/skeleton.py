"""The skeleton of a handler, to fill in; it runs unchanged in tsnb and in TorchServe."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from tsnb.cli.commands import Run
from tsnb.errors import BadRequest, Conflict

TEXT = '''"""Handler of {name}: what it takes, and what it answers."""

import json

import torch
from ts.torch_handler.base_handler import BaseHandler


class {class_name}(BaseHandler):
    """Loads the archived model (``initialize`` is inherited) and answers one batch of requests after the other."""

    def preprocess(self, data):
        """From requests to a tensor: one row for each request of the batch."""
        rows = [request.get("data") or request.get("body") for request in data]
        rows = [json.loads(row) if isinstance(row, (bytes, bytearray, str)) else row for row in rows]
        return torch.as_tensor(rows, dtype=torch.float32, device=self.device)

    def postprocess(self, data):
        """From the model's output to answers: a list with one item for each request."""
        return data.tolist()
'''


def new(parser: argparse.ArgumentParser) -> Run:
    """Takes the name of the handler."""
    parser.add_argument("name", metavar="NAME", help="NAME.py is written into this folder")
    return _new


def _new(args: argparse.Namespace) -> int:
    name = args.name.removesuffix(".py")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise BadRequest(f"{args.name!r} cannot name a Python file: use letters, digits and underscores.")
    path = Path(f"{name}.py")
    class_name = "".join(part[:1].upper() + part[1:] for part in name.split("_")) or "Handler"
    try:
        with path.open("x") as file:
            file.write(TEXT.format(name=name, class_name=class_name))
    except FileExistsError:
        raise Conflict(f"{path} is there already and was not touched. Choose another name.") from None
    print(f"Wrote {path}. Next: tsnb archive --model-name {name} --version 1.0 --handler {path} --serialized-file FILE")
    return 0
