"""``tsnb-client.js`` in node, against a real ``tsnb serve``."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.served import Served, put_in_store

HERE = Path(__file__).parent
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="no node on PATH; the client needs it to be tested, not to be installed")
def test_the_client_in_node(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    put_in_store(store, "echo", "echo.py")
    put_in_store(store, "parts", "three_parts.py")
    models = "echo=echo-1.0.mar,parts=parts-1.0.mar"
    with Served(tmp_path, "--models", models) as server:
        done = subprocess.run(
            [str(NODE), "--test", str(HERE / "client.test.mjs")],
            env={**os.environ, "SERVER": server.url.rstrip("/"), "KEYS": (tmp_path / "key_file.json").read_text()},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_method_has_a_type() -> None:
    folder = HERE.parent.parent / "tsnb" / "javascript"
    types = (folder / "tsnb-client.d.ts").read_text()
    code = (folder / "tsnb-client.js").read_text()
    names = {line.strip().split("(")[0].split()[-1].lstrip("*") for line in code.splitlines() if _is_method(line)}
    assert {"predict", "stream", "models", "scale"} <= names
    public = sorted(name for name in names if not name.startswith("_"))
    assert [name for name in public if f"  {name}(" not in types and f"  {name}<" not in types] == []


def _is_method(line: str) -> bool:
    return line.startswith("  ") and line.endswith(") {") and line[2:3].isalpha() and " = " not in line.split("(")[0]
