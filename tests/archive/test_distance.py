"""Norms of tensor differences against torch itself, and files that lie about where their values are."""

import io
import json
import math
import struct
import tracemalloc
import zipfile

import pytest
import torch
from safetensors.torch import save as save_safetensors

from tsnb.archive.diff import diff
from tsnb.archive.read import open_archive
from tsnb.archive.tensors import tensors
from tsnb.archive.write import archive


def saved(value):
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def scripted(module):
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(module), file)
    return file.getvalue()


@pytest.fixture
def compared(tmp_path):
    """Archive two contents of one weight file, each in a format, and compare."""

    def compared(one, other, name="w.pt", formats=("default", "default")):
        found = []
        for number, (content, style) in enumerate(zip((one, other), formats, strict=True)):
            folder = tmp_path / f"{len(list(tmp_path.iterdir()))}-{number}"
            folder.mkdir()
            (folder / name).write_bytes(content)
            path = archive(
                "m",
                version="1",
                handler="base_handler",
                serialized_file=folder / name,
                export_path=folder,
                archive_format=style,
            )
            found.append(open_archive(path))
        return diff(*found)

    return compared


def expected(a, b):
    apart = b.to(torch.complex128 if a.is_complex() else torch.float64) - a.to(
        torch.complex128 if a.is_complex() else torch.float64
    )
    return float(apart.abs().pow(2).sum().sqrt()), float(apart.abs().max()), int((a != b).sum())


DTYPES = [
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.uint16, torch.bool, torch.complex64,
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("style", ["pt", "safetensors"])
def test_norms_are_those_of_torch(compared, dtype, style):
    torch.manual_seed(0)
    a = (torch.rand(40, 30) * 100 - (50 if dtype.is_signed else 0)).round()
    a = (a % 2 if dtype == torch.bool else a).to(dtype)
    b = a.clone()
    b[3:9] = a[10:16]
    save = saved if style == "pt" else save_safetensors
    found = compared(save({"x": a, "same": a.clone()}), save({"x": b, "same": a.clone()}), f"w.{style}")
    (change,) = found.tensors
    norm, largest, differing = expected(a, b)
    assert change.name == "x"
    assert change.distance.norm == pytest.approx(norm)
    assert change.distance.largest == pytest.approx(largest)
    assert (change.distance.differing, change.distance.count) == (differing, 1200)
    base = float((a.abs() if a.is_complex() else a).to(torch.float64).pow(2).sum().sqrt())
    assert change.distance.relative == pytest.approx(norm / base, rel=1e-6)


@pytest.mark.parametrize("formats", [("default", "tgz"), ("zip-store", "no-archive"), ("tgz", "zip-store")])
def test_every_format_of_archive(compared, formats):
    a, b = torch.zeros(7), torch.arange(7.0)
    (change,) = compared(saved({"x": a}), saved({"x": b}), formats=formats).tensors
    assert change.distance.norm == pytest.approx(math.sqrt(91))


def test_more_than_one_piece(compared):
    a = torch.randn(700_001)
    b = a.clone()
    b[[0, 262_143, 262_144, 700_000]] += 1.0
    (change,) = compared(saved({"x": a}), saved({"x": b})).tensors
    assert change.distance.differing == 4
    assert change.distance.norm == pytest.approx(2.0, rel=1e-5)


def test_views_transposed_expanded_and_empty(compared):
    base, other = torch.arange(24.0).reshape(4, 6), torch.arange(24.0).reshape(4, 6) * 2
    views = lambda t: {"t": t.t(), "part": t[1:3, 2:5], "wide": t[0, 0].expand(3, 3), "none": t[:0], "last": t[3]}  # noqa: E731
    one, two = views(base), views(other)
    found = {change.name: change.distance for change in compared(saved(one), saved(two)).tensors}
    assert found.keys() == {"t", "part", "last"}
    for name, value in found.items():
        assert value.norm == pytest.approx(expected(one[name], two[name])[0]), name


def test_a_change_of_dtype_still_has_a_norm(compared):
    a = torch.randn(100)
    (change,) = compared(saved({"x": a}), saved({"x": a.half()})).tensors
    assert (change.before.dtype, change.after.dtype) == ("float32", "float16")
    assert change.distance.norm == pytest.approx(expected(a, a.half())[0], rel=1e-6)


def test_nan_equals_itself(compared):
    a = torch.tensor([math.nan, math.inf, 1.0])
    (change,) = compared(saved({"x": a}), saved({"x": torch.tensor([math.nan, math.inf, 2.0])})).tensors
    assert (change.distance.differing, change.distance.norm) == (1, 1.0)


def test_float8_is_named_and_not_measured(compared):
    a, b = (torch.tensor([value]).to(torch.float8_e4m3fn) for value in (1.0, 2.0))
    (change,) = compared(saved({"x": a}), saved({"x": b})).tensors
    assert change.distance is None
    assert "float8_e4m3fn" in change.note


def test_torchscript_and_whole_modules(compared):
    a, b = torch.nn.Sequential(torch.nn.Linear(3, 2)), torch.nn.Sequential(torch.nn.Linear(3, 2))
    norm = expected(a[0].weight.detach(), b[0].weight.detach())[0]
    for save in (scripted, saved):
        found = {change.name: change.distance for change in compared(save(a), save(b)).tensors}
        assert found["0.weight"].norm == pytest.approx(norm)
        assert found.keys() == {"0.weight", "0.bias"}


def test_a_torchscript_table_has_buffers_and_no_imports(compared, tmp_path):
    folder = tmp_path / "script"
    folder.mkdir()
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    (folder / "w.pt").write_bytes(scripted(net))
    path = archive("m", version="1", handler="base_handler", serialized_file=folder / "w.pt", export_path=folder)
    table = tensors(open_archive(path))["w.pt"]
    assert {(t.name, t.shape) for t in table.tensors} == {(k, tuple(v.shape)) for k, v in net.state_dict().items()}
    assert (table.kind, table.imports, table.note) == ("TorchScript program", (), "")
    assert table.parameters == sum(value.numel() for value in net.state_dict().values())


def test_shared_tensors_count_once(compared, tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    weight = torch.zeros(5, 4)
    (folder / "w.pt").write_bytes(saved({"in": weight, "out": weight, "row": weight[1]}))
    path = archive("m", version="1", handler="base_handler", serialized_file=folder / "w.pt", export_path=folder)
    assert tensors(open_archive(path))["w.pt"].parameters == 24


def rebuilt(content, change):
    """The same checkpoint, each entry passed through a function."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            name, data, method = change(info.filename, old.read(info))
            new.writestr(name, data, method)
    return made.getvalue()


def notes(found):
    return {change.name: change.note for change in found.tensors}


def test_files_that_lie_about_their_values(compared):
    good = saved({"x": torch.zeros(64)})

    def cut(name, data):
        return name, data[:8] if "/data/" in name else data, zipfile.ZIP_STORED

    def packed(name, data):
        return name, data, zipfile.ZIP_DEFLATED

    def gone(name, data):
        return name.replace("/data/", "/other/"), data, zipfile.ZIP_STORED

    def big(name, data):
        return name, b"big" if name.endswith("byteorder") else data, zipfile.ZIP_STORED

    assert "outside of its storage" in notes(compared(good, rebuilt(good, cut)))["x"]
    for change in (packed, gone, big):
        assert notes(compared(good, rebuilt(good, change)))["x"]


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [1 << 70, 1 << 71]},
        {"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]},
        {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [1 << 20] * 4, "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [1] * 100, "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [10**30], "data_offsets": [0, 8]},
        {"dtype": "X", "shape": [2], "data_offsets": [1 << 62, 1 << 63]},
    ],
    ids=str,
)
def test_safetensors_that_lie(compared, entry):
    def content(tail):
        header = json.dumps({"x": entry}).encode()
        return struct.pack("<Q", len(header)) + header + tail

    found = compared(content(b"\0" * 8), content(b"\1" * 8), "w.safetensors")
    assert all(change.distance is None for change in found.tensors)
    assert [change.name for change in found.files] == ["w.safetensors"]


def test_memory_stays_bounded(compared):
    a = torch.zeros(12_000_000)
    b = a.clone()
    b[-1] = 1.0
    one, other = saved({"x": a}), saved({"x": b})
    del a, b
    tracemalloc.start()
    try:
        (change,) = compared(one, other, formats=("zip-store", "zip-store")).tensors
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert change.distance.norm == 1.0
    assert peak < 40 << 20
