"""``model_archiver``, as scripts that were written for torch-model-archiver use its parts."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from tsnb.archive.collect import DEFAULT_HANDLERS
from tsnb.archive.read import open_archive
from tsnb.compat.model_archiver.manifest_components import manifest
from tsnb.compat.model_archiver.model_archiver_config import ModelArchiverConfig, RuntimeType
from tsnb.compat.model_archiver.model_archiver_error import ModelArchiverError
from tsnb.compat.model_archiver.model_packaging_utils import (
    MANIFEST_FILE_NAME,
    MAR_INF,
    ModelExportUtils,
    model_handlers,
)

FORMATS = ["default", "zip-store", "tgz", "no-archive"]
WANTED = {"h.py", "weights.pt", "labels.json", "deep/more.txt"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelArchiverConfig:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    Path("tmp").mkdir()
    for name in (
        "h.py",
        "weights.pt",
        "labels.json",
        "extra/deep/more.txt",
        "extra/.hidden/no",
        "extra/__pycache__/no",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    Path("store").mkdir()
    return ModelArchiverConfig("m", "h", "1.0", serialized_file="weights.pt", extra_files="labels.json,extra")


def staged(config: ModelArchiverConfig) -> str:
    return ModelExportUtils.copy_artifacts(
        config.model_name,
        config.runtime,
        serialized_file=config.serialized_file,
        model_file=config.model_file,
        handler=config.handler,
        extra_files=config.extra_files,
    )


def names(folder: str | Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()}


@pytest.mark.parametrize("archive_format", FORMATS)
def test_an_archive_in_two_steps(config: ModelArchiverConfig, archive_format: str) -> None:
    folder = staged(config)
    assert names(folder) == WANTED
    text = ModelExportUtils.generate_manifest_json(config)
    for _ in range(2):  # the second replaces the first
        ModelExportUtils.archive("store", "m", folder, text, archive_format)
    archive = open_archive(ModelExportUtils.get_archive_export_path("store", "m", archive_format))
    written = f"{MAR_INF}/{MANIFEST_FILE_NAME}"
    assert set(archive.files) - {written, "MAR-INF/tsnb.json"} == WANTED
    assert archive.read(written).decode() == text


def test_a_folder_that_stays_where_it_is_gets_its_manifest(config: ModelArchiverConfig) -> None:
    Path("store/m").mkdir()
    Path("store/m/h.py").write_text("mine")
    ModelExportUtils.archive("store", "m", "store/m", "{}", "no-archive")
    assert names("store/m") == {"h.py", "MAR-INF/MANIFEST.json"}


@pytest.mark.parametrize("name", ["handler", "serialized_file", "extra_files"])
def test_a_file_that_is_missing(config: ModelArchiverConfig, name: str) -> None:
    setattr(config, name, "nowhere")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        staged(config)


def test_refusals(config: ModelArchiverConfig) -> None:
    Path("extra/weights.pt").write_text("another")
    with pytest.raises(ModelArchiverError, match=r"Two files would both be called 'weights\.pt'"):
        staged(config)
    with pytest.raises(ModelArchiverError, match="Unknown archive format"):
        ModelExportUtils.archive("store", "m", "extra", "{}", "rar")


@pytest.mark.parametrize("handler", ["image_classifier", "base_handler"])
def test_a_default_handler_is_not_copied(config: ModelArchiverConfig, handler: str) -> None:
    assert names(ModelExportUtils.copy_artifacts("m", "python", handler=handler, extra_files=None)) == set()


def test_a_file_named_as_the_model_is_copied(config: ModelArchiverConfig) -> None:
    Path("m").write_text("weights")
    assert names(ModelExportUtils.copy_artifacts("m", "python", serialized_file="m")) == {"m"}


def test_a_folder_into_open_archives(config: ModelArchiverConfig, tmp_path: Path) -> None:
    with zipfile.ZipFile("a.zip", "w") as packed:
        ModelExportUtils.archive_dir("extra", packed, "default", "m")
        assert packed.namelist() == ["deep/more.txt"]
    with tarfile.open("a.tar.gz", "w:gz") as rolled:
        ModelExportUtils.archive_dir("extra", rolled, "tgz", "m")
        assert rolled.getnames() == ["m/deep/more.txt"]
    ModelExportUtils.archive_dir("extra", str(tmp_path / "copy"), "no-archive", "m")
    assert names("copy") == {"deep/more.txt"}


def test_small_helpers(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    for _ in range(2):
        ModelExportUtils.make_dir(str(deep))
    (deep / "f").touch()
    ModelExportUtils.clean_temp_files([str(deep / "f")])
    assert list(deep.iterdir()) == []
    assert ModelExportUtils.find_unique(["a.pt", "b.py"], ".pt") == "a.pt"
    assert ModelExportUtils.find_unique(["b.py"], ".pt") is None
    with pytest.raises(ModelArchiverError, match=r"expects only one \.pt file"):
        ModelExportUtils.find_unique(["a.pt", "b.pt"], ".pt")


def test_filters() -> None:
    kept = [name for name in ("good", ".git", "__MACOSX") if ModelExportUtils.directory_filter(name, {"__MACOSX"})]
    assert kept == ["good"]
    files = ("good.py", "x.pyc", "m.mar", ".DS_Store", "MANIFEST.json", "mine")
    assert [name for name in files if ModelExportUtils.file_filter(name, {"mine"})] == ["good.py"]


def test_runtimes_and_default_handlers() -> None:
    assert RuntimeType is manifest.RuntimeType
    assert ModelArchiverConfig("m", "h", "1").runtime == RuntimeType.PYTHON.value
    assert tuple(model_handlers) == DEFAULT_HANDLERS
