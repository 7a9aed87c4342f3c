import json
import struct
import time

import pytest
import torch

from tsnb.archive.diff import diff
from tsnb.archive.read import open_archive
from tsnb.archive.report_text import diff_text
from tsnb.archive.tensors import Tensor, tensors
from tsnb.archive.write import archive


@pytest.fixture
def make(tmp_path):
    """Archive a folder of files and look into it."""

    def make(name, version="1", **files):
        folder = tmp_path / name
        folder.mkdir()
        for file, content in files.items():
            (folder / file.replace("__", ".")).write_bytes(content)
        path = archive(
            name,
            version=version,
            handler="base_handler",
            extra_files=folder,
            export_path=tmp_path,
            archive_format="zip-store",
        )
        return open_archive(path)

    return make


def saved(value):
    import io

    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def safetensors(**shapes):
    header = json.dumps(
        {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()}
    )
    return struct.pack("<Q", len(header)) + header.encode()


def test_text_is_compared_line_by_line(make):
    a, b = make("a", h__py=b"x = 1\ny = 2\n", old__txt=b"o"), make("b", "2", h__py=b"x = 1\ny = 3\n", new__bin=b"n")
    found = diff(a, b)
    assert [(change.name, change.kind) for change in found.files] == [
        ("h.py", "changed"),
        ("new.bin", "added"),
        ("old.txt", "removed"),
    ]
    assert found.files[0].lines == ("--- a/h.py", "+++ b/h.py", "@@ -1,2 +1,2 @@", " x = 1", "-y = 2", "+y = 3")
    assert found.files[0].before.size == 12
    assert ("model.modelVersion", "1", "2") in [(change.key, change.before, change.after) for change in found.manifest]
    assert "+y = 3" in diff_text(found)


def test_equal_archives(made):
    assert not diff(open_archive(made / "greeter.mar"), open_archive(made / "greeter.tar.gz")).files
    same = diff(open_archive(made / "greeter.mar"), open_archive(made / "greeter.mar"))
    assert not same
    assert diff_text(same) == "The archives are equal."


def test_tensors_are_compared_by_shape_and_dtype(make):
    a, b = make("a", w__safetensors=safetensors(x=[2, 3], y=[1])), make("b", w__safetensors=safetensors(x=[2, 4], z=[]))
    found = {change.name: (change.before, change.after) for change in diff(a, b).tensors}
    assert found["x"] == (Tensor("x", (2, 3), "float32"), Tensor("x", (2, 4), "float32"))
    assert found["y"][1] is None
    assert found["z"] == (None, Tensor("z", (), "float32"))


def test_tables_of_what_torch_saves(make):
    net = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.BatchNorm1d(2).half())
    nested = {"model": net.state_dict(), "epoch": 3, "list": [torch.zeros(2, dtype=torch.int64)]}
    parameter = torch.nn.Parameter(torch.zeros(3, dtype=torch.bfloat16))
    tables = tensors(
        make("a", plain__pt=saved(net.state_dict()), nested__pth=saved(nested), p__pt=saved({"p": parameter}))
    )
    expected = [Tensor(k, tuple(v.shape), str(v.dtype).removeprefix("torch.")) for k, v in net.state_dict().items()]
    assert list(tables["plain.pt"].tensors) == expected
    assert [t.name for t in tables["nested.pth"].tensors] == [*(f"model.{t.name}" for t in expected), "list.0"]
    assert tables["p.pt"].tensors == (Tensor("p", (3,), "bfloat16"),)


class Trap:
    """Would leave a file behind if anybody unpickled it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_nothing_is_unpickled(make, tmp_path):
    trap = str(tmp_path / "sprung")
    whole, hidden = saved(Trap(trap)), saved({"x": torch.zeros(1), "bad": Trap(trap)})
    tables = tensors(make("a", whole__pt=whole, hidden__pt=hidden, module__pt=saved(torch.nn.Linear(1, 1))))
    assert tables["whole.pt"].note.startswith("not shown")
    assert [t.name for t in tables["hidden.pt"].tensors] == ["x"]
    assert [t.name for t in tables["module.pt"].tensors] == ["weight", "bias"]
    assert tables["module.pt"].kind == "pickled object"
    assert "torch.nn.modules.linear.Linear" in tables["module.pt"].imports
    assert [i for name in ("whole.pt", "hidden.pt") for i in tables[name].imports] == ["io.open", "io.open"]
    assert not (tmp_path / "sprung").exists()


def test_values_that_contain_each_other_come_to_an_end(make):
    value = {}
    for _ in range(60):
        value = {"a": value, "b": value}
    began = time.monotonic()
    tables = tensors(make("a", w__pt=saved(value)))
    assert "too many values" in tables["w.pt"].note
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"\xff" * 100, struct.pack("<Q", 1 << 60), struct.pack("<Q", 2) + b"[]"]
)
def test_broken_weights_have_a_note(make, content):
    tables = tensors(make("a", w__pt=content, v__safetensors=content))
    assert all(table.note.startswith("not shown") for table in tables.values())
