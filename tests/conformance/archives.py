"""The archives that the servers of the conformance suite find in their model store.

Handlers are in ``tests/conformance/handlers``. Both servers get the same files, made by :func:`tsnb.archive`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tsnb.archive.workflow import archive_workflow
from tsnb.archive.write import archive

HANDLERS = Path(__file__).parent / "handlers"


@dataclass(frozen=True)
class Made:
    """An archive made from one handler; ``config`` is its model-config.yaml."""

    handler: str
    config: dict[str, Any] = field(default_factory=dict)
    version: str = "1.0"
    model: str = ""
    more: dict[str, Any] = field(default_factory=dict)


TALKS = {
    "minWorkers": 1,
    "maxWorkers": 1,
    "batchSize": 50,
    "maxBatchDelay": 10,
    "sequenceBatching": True,
    "sequenceMaxIdleMSec": 60000,
    "maxNumSequence": 50,
    "maxSequenceJobQueueSize": 4,
}

LOADING = (
    *("finding", "two_classes", "no_class", "helper_class", "not_started", "not_handling", "with_arguments"),
    *("asynchronous", "lacks_module", "out_of_memory", "out_of_cuda", "leaves"),
)
"""Handlers that say something about how handlers are found and begin."""
WHEEL = {"requirements_file": "<weights>/requirements.txt", "extra_files": "<weights>/words-1.5-py3-none-any.whl"}
LABELS: dict[str, Any] = {
    "texts": {"0": "zero", "1": "one"},
    "lists": {"0": ["n0", "zero"], "1": ["n1", "a", "one"]},
    "objects": {"object_type_names": ["zero", "one"]},
    "too_few": {"0": "zero"},
    "numbers": {"0": 7},
    "list": ["zero", "one"],
}
"""What may be in index_to_name.json, and what may not."""

OBEYS = "../../archives/handlers/orders"
"""A handler that the other tests have, too."""

ARCHIVES: dict[str, Made] = {
    "probe": Made("probe"),
    "headers": Made("headers"),
    "results": Made("results"),
    "streams": Made("streams"),
    "sizes": Made("sizes"),
    "holds": Made("holds"),
    "described": Made("described"),
    "echo": Made("echo"),
    "echo_v2": Made("echo", version="2.0", model="echo"),
    "module": Made("module"),
    "broken_load": Made("broken_load"),
    "tgz": Made("echo", more={"archive_format": "tgz"}),
    "stored": Made("echo", more={"archive_format": "zip-store"}),
    "folder": Made("echo", more={"archive_format": "no-archive"}),
    "configured": Made(
        "echo",
        config={
            "minWorkers": 1,
            "maxWorkers": 2,
            "batchSize": 3,
            "maxBatchDelay": 20,
            "responseTimeout": 31,
            "startupTimeout": 61,
            "deviceType": "cpu",
            "maxRetryTimeoutInSec": 30,
            "clientTimeoutInMills": 5000,
            "jobQueueSize": 7,
            "free": {"for": "handlers"},
        },
    ),
    "timeouts_only": Made("echo", config={"maxBatchDelay": 11}),
    "odd_config": Made(
        "echo",
        config={"minWorkers": "many", "batchSize": 0, "maxBatchDelay": -3, "responseTimeout": 0, "deviceIds": ["a"]},
    ),
    "tight": Made("holds", config={"minWorkers": 1, "maxWorkers": 1, "jobQueueSize": 1}),
    "hasty": Made("holds", config={"minWorkers": 1, "maxWorkers": 1, "responseTimeout": 1}),
    "batched": Made(
        "batched",
        config={"minWorkers": 1, "maxWorkers": 1, "batchSize": 4, "maxBatchDelay": 3000, "batchPolicy": "window"},
    ),
    "eager": Made("batched", config={"minWorkers": 1, "maxWorkers": 1, "batchSize": 4, "maxBatchDelay": 1000}),
    "sequences": Made(
        "sequences",
        config={
            "minWorkers": 1,
            "maxWorkers": 1,
            "batchSize": 2,
            "maxBatchDelay": 10,
            "sequenceBatching": True,
            "sequenceMaxIdleMSec": 8000,
            "maxNumSequence": 2,
            "maxSequenceJobQueueSize": 2,
        },
    ),
    "slow": Made("slow"),
    "stalls": Made("stalls", config={"minWorkers": 1, "maxWorkers": 1, "responseTimeout": 1}),
    "odd_version": Made("echo", version="v1.0-beta+x"),
    "version_all": Made("echo", version="all"),
    "two_tickets": Made("holds", config={"minWorkers": 2, "maxWorkers": 2, "useJobTicket": True, "jobQueueSize": 2}),
    "doomed_v2": Made(
        "broken_load",
        version="2.0",
        model="doomed2",
        config={"minWorkers": 1, "maxWorkers": 1, "maxRetryTimeoutInSec": 1},
    ),
    "tickets": Made("holds", config={"minWorkers": 1, "maxWorkers": 1, "useJobTicket": True, "jobQueueSize": 3}),
    "impatient": Made("holds", config={"minWorkers": 1, "maxWorkers": 1, "clientTimeoutInMills": 300}),
    "steps": Made(
        "steps",
        config={"minWorkers": 1, "maxWorkers": 1, "batchSize": 2, "maxBatchDelay": 10, "continuousBatching": True},
    ),
    "doomed": Made("broken_load", config={"minWorkers": 1, "maxWorkers": 1, "maxRetryTimeoutInSec": 1}),
    "needs": Made("echo", more={"requirements_file": str(HANDLERS / "requirements.txt")}),
    "dies": Made("dies"),
    "elsewhere": Made("module"),
    "talks": Made("talks", config=TALKS),
    "talks_in_steps": Made("talks", config={**TALKS, "continuousBatching": True}),
    "talks_little": Made(
        "talks", config={**TALKS, "sequenceMaxIdleMSec": 700, "maxNumSequence": 1, "maxSequenceJobQueueSize": 1}
    ),
    "talks_shortly": Made("talks", config={**TALKS, "sequenceTimeoutMSec": 600, "maxNumSequence": 1}),
    "talks_to_an_end": Made("talks", config={**TALKS, "continuousBatching": True, "maxNumSequence": 2, "batchSize": 2}),
    "talks_for_ever": Made("talks", config={"sequenceBatching": True}),
    "in_steps": Made("in_steps", config={"minWorkers": 1, "maxWorkers": 1, "batchSize": 4, "continuousBatching": True}),
    "together": Made("together", config={"minWorkers": 1, "maxWorkers": 1, "asyncCommunication": True}),
    "ticketed": Made("holds", config={"minWorkers": 1, "maxWorkers": 1, "useJobTicket": True}),
    "needs_nonsense": Made("echo", more={"requirements_file": str(HANDLERS / "nonsense.txt")}),
    "venv": Made("echo", config={"useVenv": True}),
    "surroundings": Made("surroundings", more={"extra_files": "<weights>/files"}),
    "wheel": Made("words_told", more=WHEEL),
    "wheel_in_venv": Made("words_told", config={"useVenv": True}, more=WHEEL),
    "orders": Made(OBEYS),
    "orders_v2": Made(OBEYS, version="2.0", model="orders"),
    "tensors": Made("../../archives/handlers/tensors"),
    "no_weights": Made("../../archives/handlers/no_weights"),
    "sees": Made("sees", config={"minWorkers": 1, "maxWorkers": 1, "free": {"for": ["handlers"]}, "handler": {"n": 1}}),
    **{name: Made(name) for name in LOADING},
    "named_function": Made("finding:one"),
    "named_nothing": Made("finding:nothing"),
    "named_class": Made("finding:Service"),
    "bare": Made("base_handler", more={"serialized_file": "<weights>/net.pt"}),
    "scripted": Made("figures", more={"serialized_file": "<weights>/net.pt"}),
    "stateful": Made("figures", more={"serialized_file": "<weights>/net.pth", "model_file": f"{HANDLERS}/net.py"}),
    "random": Made("figures", more={"model_file": f"{HANDLERS}/net.py"}),
    "two_nets": Made("figures", more={"model_file": f"{HANDLERS}/two_nets.py"}),
    "no_net": Made("figures"),
    "net_alone": Made("figures", more={"serialized_file": "<weights>/net.pth"}),
    "other_net": Made("figures", more={"serialized_file": "<weights>/other.pth", "model_file": f"{HANDLERS}/net.py"}),
    **{
        f"labels_{name}": Made(
            "figures",
            more={"serialized_file": "<weights>/net.pt", "extra_files": f"<weights>/{name}/index_to_name.json"},
        )
        for name in LABELS
    },
    "grpc_talks": Made("sequences", config=TALKS),
    "grpc_steps": Made(
        "in_steps", config={"minWorkers": 1, "maxWorkers": 1, "batchSize": 4, "continuousBatching": True}
    ),
}

NOT_IN_STORE = ("elsewhere.mar", "elsewhere.war")
"""For downloads: a file of the same name in the store would be in the way."""


CONFIGS: dict[str, str] = {
    "workers 2 and 3": "minWorkers: 2\nmaxWorkers: 3",
    "workers 2 alone": "minWorkers: 2",
    "at most 2 workers alone": "maxWorkers: 2",
    "at most fewer than at least": "minWorkers: 2\nmaxWorkers: 1",
    "no workers": "minWorkers: 0\nmaxWorkers: 0",
    "workers below none": "minWorkers: -1\nmaxWorkers: 1",
    "workers as text": 'minWorkers: "1"\nmaxWorkers: "2"',
    "half a worker": "minWorkers: 0.5\nmaxWorkers: 1.5",
    "workers as yes": "minWorkers: yes\nmaxWorkers: yes",
    "a batch of 8": "batchSize: 8",
    "a batch of none": "batchSize: 0",
    "a batch below none": "batchSize: -3",
    "a batch as text": 'batchSize: "8"',
    "a batch of 8.0": "batchSize: 8.0",
    "a batch of null": "batchSize: null",
    "a batch of more than an int": "batchSize: 3000000000",
    "no delay": "maxBatchDelay: 0",
    "a delay below none": "maxBatchDelay: -1",
    "a delay as text": "maxBatchDelay: soon",
    "timeouts": "responseTimeout: 5\nstartupTimeout: 6",
    "no timeouts": "responseTimeout: 0\nstartupTimeout: 0",
    "timeouts below none": "responseTimeout: -1\nstartupTimeout: -1",
    "timeouts as text": 'responseTimeout: "5"\nstartupTimeout: later',
    "timeouts with a point": "responseTimeout: 5.5\nstartupTimeout: 6.0",
    "on a CPU": "deviceType: cpu",
    "on a GPU": "deviceType: gpu",
    "on CPU in capitals": "deviceType: CPU",
    "on a TPU": "deviceType: tpu",
    "on device 7": "deviceType: gpu\ndeviceIds: [7]",
    "devices as text": "deviceIds: all",
    "devices of text": 'deviceIds: ["0"]',
    "parallel of no kind": "parallelType: sideways\nparallelLevel: 2",
    "parallel level alone": "parallelLevel: 2",
    "custom parallel": "parallelType: custom\nparallelLevel: 2\nasyncCommunication: true",
    "pipelines": "parallelType: pp\nparallelLevel: 1",
    "pipelines without a level": "parallelType: pp",
    "pipelines of 0.5": "parallelType: pp\nparallelLevel: 0.5",
    "tensors": "parallelType: tp\ntorchrun:\n  nproc-per-node: 1",
    "torchrun as text": "parallelType: pptp\ntorchrun: four",
    "torchrun alone": "torchrun:\n  nproc-per-node: 2",
    "retries": "maxRetryTimeoutInSec: 9",
    "no retries": "maxRetryTimeoutInSec: 0",
    "retries below none": "maxRetryTimeoutInSec: -9",
    "retries as text": "maxRetryTimeoutInSec: often",
    "a client's patience": "clientTimeoutInMills: 900",
    "no patience": "clientTimeoutInMills: 0",
    "patience below none": "clientTimeoutInMills: -5",
    "patience as text": "clientTimeoutInMills: some",
    "a queue of 3": "jobQueueSize: 3",
    "no queue": "jobQueueSize: 0",
    "a queue below none": "jobQueueSize: -3",
    "a queue as text": "jobQueueSize: long",
    "tickets": "useJobTicket: true",
    "tickets as text": "useJobTicket: maybe",
    "tickets as 1": "useJobTicket: 1",
    "steps": "continuousBatching: true",
    "steps as text": "continuousBatching: maybe",
    "sequences": "sequenceBatching: true\nsequenceMaxIdleMSec: 5000\nsequenceTimeoutMSec: 7000\n"
    "maxSequenceJobQueueSize: 3\nmaxNumSequence: 4",
    "sequences with the least": "sequenceBatching: true\nsequenceMaxIdleMSec: 5000",
    "sequences of nonsense": "sequenceBatching: true\nsequenceMaxIdleMSec: 5000\nsequenceTimeoutMSec: -1\n"
    "maxSequenceJobQueueSize: 0\nmaxNumSequence: 0",
    "idle time alone": "sequenceMaxIdleMSec: 5000\nmaxNumSequence: 4",
    "sequences as text": "sequenceBatching: maybe\nsequenceMaxIdleMSec: 5000",
    "sequences in steps": "sequenceBatching: true\ncontinuousBatching: true\nsequenceMaxIdleMSec: 5000",
    "asynchronous": "asyncCommunication: true",
    "asynchronous as text": "asyncCommunication: maybe",
    "a venv as text": "useVenv: maybe",
    "unknown keys": "nonsense: 1\nhandler:\n  profile: true\n  more: [1, 2]",
    "keys in other cases": "minworkers: 2\nMAXWORKERS: 3\nbatch_size: 9",
    "a key twice": "batchSize: 2\nbatchSize: 3",
    "anchors": "all: &all {batchSize: 4}\n<<: *all",
    "no YAML": "a: [",
    "two documents": "batchSize: 2\n---\nbatchSize: 3",
    "a tab": "\tbatchSize: 2",
    "JSON": '{"batchSize": 5, "maxBatchDelay": 6}',
    "comments only": "# nothing here",
    "a list": "- batchSize: 2",
    "a number": "7",
    "a Java object": "!!javax.script.ScriptEngineManager [1]",
    "a Python object": "a: !!python/object/apply:os.system ['true']",
}
"""model-config.yaml: archives ``config_<number>.mar`` are the model ``echo`` with each of them."""


def config_archive(name: str) -> str:
    """The model that has this config."""
    return f"config_{list(CONFIGS).index(name)}"


def build(folder: Path) -> Path:
    """Every archive in ``folder``, and some that are broken on purpose."""
    folder.mkdir(parents=True)
    weights = _weights(folder)
    for name, made in sorted(ARCHIVES.items(), key=lambda item: not item[1].model):  # those that are renamed first
        _make(folder, name, made)
    for name, text in CONFIGS.items():
        _configured(folder, config_archive(name), text)
    shutil.rmtree(weights)
    _broken(folder)
    _workflows(folder)
    _certificate(folder)
    return folder


def _weights(folder: Path) -> Path:
    """Files for the base handler, in a folder that is named ``<weights>`` in :data:`ARCHIVES`."""
    import torch

    class Net(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 2 + 1

    weights = folder / "weights"
    for name, labels in LABELS.items():
        (weights / name).mkdir(parents=True)
        (weights / name / "index_to_name.json").write_text(json.dumps(labels))
    (weights / "files" / "deep").mkdir(parents=True)
    for name, text in (
        ("beside.py", ""),
        ("note.txt", "noted"),
        ("deep/below.py", "VALUE = 7"),
        ("deep/__init__.py", ""),
    ):
        (weights / "files" / name).write_text(text)
    _wheel(weights / "words-1.5-py3-none-any.whl")
    (weights / "requirements.txt").write_text("--no-index\n./words-1.5-py3-none-any.whl\n")
    torch.jit.save(torch.jit.trace(Net(), torch.zeros(1, 2)), weights / "net.pt")
    torch.save({"weight": torch.tensor([2.0]), "bias": torch.tensor([1.0])}, weights / "net.pth")
    torch.save({"weight": torch.tensor([2.0]), "another": torch.tensor([1.0])}, weights / "other.pth")
    return weights


def _wheel(path: Path) -> None:
    """A package that nobody has."""
    files = {
        "words.py": "VERSION = '1.5'\n",
        "words-1.5.dist-info/METADATA": "Metadata-Version: 2.1\nName: words\nVersion: 1.5\n",
        "words-1.5.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "words-1.5.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)


def _make(folder: Path, name: str, made: Made) -> None:
    more = {key: value.replace("<weights>", str(folder / "weights")) for key, value in made.more.items()}
    if made.config:
        path = folder / "model-config.yaml"
        path.write_text(yaml.safe_dump(made.config))
        more["config_file"] = str(path)
    module, colon, function = made.handler.partition(":")
    file = HANDLERS / f"{module}.py"
    handler = f"{file}{colon}{function}" if file.exists() else module
    done = archive(made.model or name, version=made.version, handler=handler, export_path=folder, force=True, **more)
    if made.model:
        done.rename(folder / f"{name}.mar")
    (folder / "model-config.yaml").unlink(missing_ok=True)


ECHO = "echo: {url: echo.mar, max-workers: 2, batch-size: 2, max-batch-delay: 20}"
WORKFLOWS = {
    "chain": f"models: {{retry-attempts: 2, timeout-ms: 5000, {ECHO}}}\ndag: {{first: [echo], echo: [last]}}",
    "one": "dag: {last: []}\nmodels: {max-workers: 1}",
    "leaves": f"models: {{{ECHO}}}\ndag: {{first: [table, last]}}",
    "plain_leaf": "models: {max-workers: 1}\ndag: {first: [table, plain]}",
    "join": f"models: {{{ECHO}}}\ndag: {{first: [echo, table], echo: [last], table: [last]}}",
    "fails": "models: {retry-attempts: 2}\ndag: {first: [fail]}",
    "late": "models: {timeout-ms: 100}\ndag: {first: [slow]}",
    "in_parts": "models: {max-workers: 1}\ndag: {first: [parts]}",
    "settings": (
        "models: {min-workers: 1, max-workers: 2, batch-size: 3, max-batch-delay: 70, retry-attempts: 4, "
        "timeout-ms: 9000, echo: {url: echo.mar}, "
        "mine: {url: echo.mar, max-workers: 1, batch-size: 5, max-batch-delay: 9}}\n"
        "dag: {first: [echo], echo: [mine], mine: [last]}"
    ),
    "blank": f"models: {{{ECHO}}}\ndag:\n  first:\n    - echo\n    - ''\n  echo:\n    -\n",
    "two_starts": f"models: {{{ECHO}}}\ndag: {{first: [last], echo: [last]}}",
    "itself": f"models: {{{ECHO}}}\ndag: {{first: [first]}}",
    "circle": f"models: {{{ECHO}}}\ndag: {{first: [echo], echo: [last], last: [echo]}}",
    "no_start": f"models: {{{ECHO}}}\ndag: {{first: [last], last: [first]}}",
    "no_dag": f"models: {{{ECHO}}}",
    "no_models": "dag: {first: [last]}",
    "no_yaml": "dag: [",
    "lacks_model": "models: {gone: {url: gone.mar}}\ndag: {first: [gone]}",
    "lacks_function": f"models: {{{ECHO}}}\ndag: {{first: [nobody]}}",
    "does_not_load": "models: {bad: {url: broken_load.mar}}\ndag: {first: [bad]}",
    "no_url": "models: {echo: {max-workers: 2}}\ndag: {first: [echo]}",
    "far": f"models: {{{ECHO}}}\ndag: {{first: [last]}}",
}
"""The specs of workflow archives; their functions are those of ``tests/archives/workflows/steps.py``."""
STEPS = HANDLERS.parent.parent / "archives" / "workflows" / "steps.py"


def _workflows(folder: Path) -> None:
    spec = folder / "spec.yaml"
    for name, text in WORKFLOWS.items():
        spec.write_text(text)
        archive_workflow(name, spec_file=spec, handler=STEPS, export_path=folder)
    archive_workflow("no_handler", spec_file=spec, export_path=folder)
    spec.unlink()
    (folder / "noise.war").write_bytes(b"this is no archive")
    with zipfile.ZipFile(folder / "no_manifest.war", "w") as file:
        file.writestr("spec.yaml", WORKFLOWS["one"])
    (folder / "far.war").rename(folder / "elsewhere.war")


def _configured(folder: Path, name: str, text: str) -> None:
    """By hand, as the archiver refuses some of them."""
    model = {"modelName": name, "handler": "echo.py", "modelVersion": "1.0", "configFile": "model-config.yaml"}
    with zipfile.ZipFile(folder / f"{name}.mar", "w") as file:
        file.writestr("echo.py", (HANDLERS / "echo.py").read_text())
        file.writestr("model-config.yaml", text)
        file.writestr("MAR-INF/MANIFEST.json", json.dumps({"runtime": "python", "model": model}))


def _certificate(folder: Path) -> None:
    """A key and a certificate of its own, for the house with https."""
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run([*make, *files], check=True, capture_output=True)


def _broken(folder: Path) -> None:
    """Archives that cannot be served, and some that lack this or that and still can."""
    handler = (HANDLERS / "echo.py").read_text()
    (folder / "nested" / "inner").mkdir(parents=True)
    (folder / "nested" / "inner" / "echo.py").write_text(handler)
    (folder / "bare").mkdir()
    (folder / "bare" / "echo.py").write_text(handler)
    (folder / "noise.mar").write_bytes(b"this is no archive")
    (folder / "noise.tar.gz").write_bytes(b"neither is this")
    manifests: dict[str, Any] = {
        "no_manifest": None,
        "no_name": {"runtime": "python", "model": {"handler": "echo.py", "modelVersion": "1.0"}},
        "no_version": {"runtime": "python", "model": {"modelName": "no_version", "handler": "echo.py"}},
        "no_handler": {"runtime": "python", "model": {"modelName": "no_handler", "modelVersion": "1.0"}},
        "odd_runtime": {
            "runtime": "ruby",
            "model": {"modelName": "odd_runtime", "handler": "echo.py", "modelVersion": "1.0"},
        },
        "bad_manifest": "{ this is no JSON",
        "old_keys": {
            "modelServerVersion": "1.0",
            "implementationVersion": "1.0",
            "specificationVersion": "1.0",
            "description": "with keys of old",
            "runtime": "python3",
            "model": {"modelName": "old_keys", "handler": "echo.py", "version": "3", "modelVersion": "4.5"},
        },
    }
    for name, manifest in manifests.items():
        with zipfile.ZipFile(folder / f"{name}.mar", "w") as file:
            file.writestr("echo.py", handler)
            if manifest is not None:
                text = manifest if isinstance(manifest, str) else json.dumps(manifest)
                file.writestr("MAR-INF/MANIFEST.json", text)
    _hostile(folder, handler)


def _hostile(folder: Path, handler: str) -> None:
    manifest = json.dumps(
        {"runtime": "python", "model": {"modelName": "escapes", "handler": "echo.py", "modelVersion": "1.0"}}
    )
    with zipfile.ZipFile(folder / "escapes.mar", "w") as file:
        file.writestr("MAR-INF/MANIFEST.json", manifest)
        file.writestr("echo.py", handler)
        file.writestr("../../escaped.txt", "out")
    with tarfile.open(folder / "not_gz.tar.gz", "w:") as tar:
        tar.add(HANDLERS / "echo.py", "not_gz/echo.py")
