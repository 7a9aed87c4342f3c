"""The file on disk: atomic, with a sidecar, or not there at all."""

import json

import pytest

from tsnb.capture.module import Module, write
from tsnb.errors import CaptureError


def test_writes_module_and_sidecar(tmp_path):
    module = Module("digits")
    module.add("# header")
    module.add("a = 1\nb = 2", "/tmp/cell.py", 7)
    path = write(module, tmp_path / "handlers")
    assert path.read_text() == "# header\na = 1\nb = 2\n"
    sidecar = json.loads((tmp_path / "handlers/digits.tsnb.json").read_text())
    assert sidecar["segments"] == [{"start": 2, "count": 2, "filename": "/tmp/cell.py", "line": 7}]
    assert sorted(file.name for file in path.parent.iterdir()) == ["digits.py", "digits.tsnb.json"]


def test_a_folder_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "handlers").write_text("")
    with pytest.raises(CaptureError, match=r"cannot write .*--path"):
        write(Module("digits"), tmp_path / "handlers")
