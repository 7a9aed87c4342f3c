"""Snapshots: what they hold, when they are written, and what they bring back (spec 7.11)."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import Bench
from tsnb import properties
from tsnb.cli.startup import load_models, plan, stem
from tsnb.config import Config, read
from tsnb.engine import snapshot
from tsnb.engine.api import Registration
from tsnb.engine.snapshot import SnapshotEngine, Snapshots, document, lasting
from tsnb.errors import ConfigError, ModelNotFound
from tsnb.messages import ModelSpec, ModelStatus

NOTHING = "def handle(data, context):\n    return data\n"


def status(**said: Any) -> ModelStatus:
    facts = {"name": "m", "version": "1.0", "model_dir": "/x", "handler": "h.py", "url": "m.mar"} | said
    facts.setdefault("manifest", {"model": {"handler": "h.py"}})
    return ModelStatus(ModelSpec(**facts), True)


def models(path: Path) -> Any:
    return json.loads(properties.parse(path.read_text())["model_snapshot"])["models"]


def test_a_snapshot_counts_versions() -> None:
    both = [status(version=version) for version in ("1.0", "2.0")]
    assert json.loads(document("s.cfg", 0.0, [*both, status(name="n")]))["modelCount"] == 3


# --- the file ---------------------------------------------------------------------------------------------


def test_a_snapshot_is_what_torchserve_writes() -> None:
    """Recorded from TorchServe 0.12.0, but for the name and the time."""
    said = json.loads(document("20261122214155029-startup.cfg", 1795383715.031, [status(min_workers=1, max_workers=1)]))
    assert said == {
        "name": "20261122214155029-startup.cfg",
        "modelCount": 1,
        "created": 1795383715031,
        "models": {
            "m": {
                "1.0": {
                    "defaultVersion": True,
                    "marName": "m.mar",
                    "minWorkers": 1,
                    "maxWorkers": 1,
                    "batchSize": 1,
                    "maxBatchDelay": 100,
                    "responseTimeout": 120,
                    "startupTimeout": 120,
                    "runtimeType": "python",
                }
            }
        },
    }


def test_what_tsnb_adds_is_there_only_where_it_is_needed() -> None:
    said = [
        status(name="folder", url="/elsewhere/model"),
        status(name="download", url="https://host/a/b.mar"),
        status(name="handler", handler="other.py"),
        status(name="part_of_a_workflow", node="function"),
    ]
    found = json.loads(document("x", 0.0, said))["models"]
    assert (found["folder"]["1.0"]["marName"], found["folder"]["1.0"]["url"]) == ("model", "/elsewhere/model")
    assert found["download"]["1.0"]["marName"] == "b.mar"
    assert found["handler"]["1.0"]["handler"] == "other.py"
    assert set(found) == {"folder", "download", "handler"}
    assert not {"url", "handler"} & set(found["download"]["1.0"])


def test_files_are_whole_private_and_not_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "KEEP", 3)
    settings = lasting(
        Config(model_store="store", job_queue_size=7, enable_metrics_api=False, token_expiration_min=2.5)
    )
    assert (settings["job_queue_size"], settings["token_expiration_min"]) == ("7", "2.5")
    assert lasting(Config(default_response_timeout=44.0))["default_response_timeout"] == "44"
    snapshots = Snapshots(tmp_path / "logs" / "config", settings)
    first = snapshots.write("startup", [])
    assert first is not None
    written = [snapshots.write("snapshot", [status()]) for _ in range(5)]
    left = set(first.parent.iterdir())
    assert first in left
    assert written[-1] in left
    assert len(left) <= 1 + 3
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    config = read(first, {}, {})
    assert (config.job_queue_size, config.enable_metrics_api) == (7, False)
    assert config.model_store == str(Path.cwd() / "store")


def test_a_disk_that_refuses_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "logs").write_text("no folder")
    snapshots = Snapshots(tmp_path / "logs" / "config", {})
    assert [snapshots.write("snapshot", []) for _ in range(3)] == [None] * 3
    assert len(caplog.records) == 1
    assert "--ncs" in caplog.text


# --- when it is written ------------------------------------------------------------------------------------


def kinds(folder: Path) -> list[str]:
    return [path.stem.partition("-")[2] for path in sorted(folder.glob("*.cfg"))]


def test_each_change_writes_one_and_a_failure_none(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        folder = tmp_path / "config"
        engine = SnapshotEngine(bench.engine.config, Snapshots(folder, {}))
        try:
            one, two = bench.put("m", NOTHING), bench.put("m", NOTHING, version="2.0")
            await engine.register(Registration(one, initial_workers=0))
            assert not folder.exists()
            await engine.begin_snapshots()
            await engine.register(Registration(two, initial_workers=0))
            await engine.scale("m", "2.0", 0, 3)
            await engine.set_default("m", "2.0")
            with pytest.raises(ModelNotFound):
                await engine.scale("missing", None, 1)
            assert kinds(folder) == ["startup", *["snapshot"] * 3]
            found = models(sorted(folder.iterdir())[-1])["m"]
            assert (found["1.0"]["defaultVersion"], found["2.0"]["defaultVersion"]) == (False, True)
            assert (found["2.0"]["minWorkers"], found["2.0"]["maxWorkers"]) == (0, 3)
            await engine.unregister("m", "1.0")
            await engine.end_snapshots()
            assert set(models(sorted(folder.iterdir())[-1])["m"]) == {"2.0"}
            assert kinds(folder)[-2:] == ["snapshot", "shutdown"]
        finally:
            await engine.close()

    asyncio.run(scenario())


# --- what it brings back --------------------------------------------------------------------------------------


def restored(tmp_path: Path, saved: dict[str, Any], yaml: str | None = None) -> list[dict[str, Any]]:
    async def scenario() -> list[dict[str, Any]]:
        bench = Bench(tmp_path, model_snapshot=json.dumps({"models": saved}))
        for version in ("1.0", "2.0"):
            bench.put("m", NOTHING, version=version, yaml=yaml)
        try:
            await load_models(bench.engine, bench.engine.config, workers=5)
            found = bench.engine.describe("m", "all")
        finally:
            await bench.engine.close()
        names = ("version", "min_workers", "max_workers", "batch_size", "max_batch_delay", "response_timeout")
        return [{"default": each.default} | {name: getattr(each.spec, name) for name in names} for each in found]

    return asyncio.run(scenario())


def test_a_snapshot_counts_more_than_the_archives_own_settings(tmp_path: Path) -> None:
    said = {"marName": "m-1.0", "minWorkers": 0, "maxWorkers": 2, "batchSize": 4, "maxBatchDelay": 9}
    saved = {"m": {"1.0": said | {"responseTimeout": 7, "defaultVersion": False}}}
    saved["m"]["2.0"] = saved["m"]["1.0"] | {"marName": "m-2.0", "defaultVersion": True}
    yaml = "minWorkers: 1\nmaxWorkers: 1\nbatchSize: 2\nmaxBatchDelay: 1\nresponseTimeout: 50\n"
    expected = {"min_workers": 0, "max_workers": 2, "batch_size": 4, "max_batch_delay": 9, "response_timeout": 7}
    assert restored(tmp_path, saved, yaml) == [
        {"default": False, "version": "1.0"} | expected,
        {"default": True, "version": "2.0"} | expected,
    ]


def test_an_old_snapshot_without_runtimes_is_read(tmp_path: Path) -> None:
    saved = {"m": {"1.0": {"defaultVersion": True, "marName": "m-1.0", "minWorkers": 0, "somethingNew": 1}}}
    assert [each["version"] for each in restored(tmp_path, saved)] == ["1.0"]


@pytest.mark.parametrize("text", ["[1]", "{", '{"models": 5}', '{"models": {"m": {"1": {"minWorkers": "x"}}}}'])
def test_a_snapshot_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="model_snapshot"):
        plan(Config(model_snapshot=text), 1)


def test_an_archive_that_is_gone_is_named(tmp_path: Path) -> None:
    text = json.dumps({"models": {"m": {"1.0": {"marName": "gone.mar"}}}})
    with pytest.raises(ConfigError, match=r"gone\.mar.*--ncs"):
        plan(Config(model_store=str(tmp_path), model_snapshot=text), 1)


# --- the key models, and names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yaml", "said", "expected"),
    [
        (None, {}, (8, 7, 6)),
        (None, {"batch_size": 2, "response_timeout": 3}, (2, 7, 6)),
        ("batchSize: 3\nresponseTimeout: 4\n", {}, (3, 4, 6)),
    ],
)
def test_the_key_models_stands_between_the_archive_and_the_defaults(
    tmp_path: Path, yaml: str | None, said: dict[str, int], expected: tuple[int, ...]
) -> None:
    async def scenario() -> tuple[float, ...]:
        settings = {"m": {"1.0": {"batchSize": 8, "responseTimeout": 7, "startupTimeout": 6, "minWorkers": 2}}}
        bench = Bench(tmp_path, models=json.dumps(settings))
        try:
            url = bench.put("m", NOTHING, yaml=yaml)
            await bench.engine.register(Registration(url, initial_workers=0, **said))
            spec = bench.engine.describe("m")[0].spec
        finally:
            await bench.engine.close()
        assert spec.min_workers == 0  # the key counts for models of the command line only
        return spec.batch_size, spec.response_timeout, spec.startup_timeout

    assert asyncio.run(scenario()) == expected


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("net.mar", "net"),
        ("my-net.1.mar", "my_net_1"),
        ("https://host/a/net.tar.gz?x=y", "net"),
        ("net.model", "net"),
        ("/models/folder/", "folder"),
    ],
)
def test_a_nameless_archive_is_called_by_its_file(url: str, name: str) -> None:
    assert stem(url) == name
