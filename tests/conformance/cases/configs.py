"""model-config.yaml, key by key: what a model that has it looks like (spec 5.6)."""

from typing import Any

from tests.conformance.archives import CONFIGS, config_archive
from tests.conformance.calls import call
from tests.conformance.case import Cases

cases = Cases("configs", house="handlers")
LEFT_OUT = ("modelName", "modelVersion", "modelUrl", "runtime", "loadedAtStartup")
SHAPE = "An empty or list-shaped model-config.yaml"
DIFFERS = {"comments only": SHAPE, "a list": SHAPE, "a number": SHAPE}


def shown(found: Any) -> Any:
    if not isinstance(found, list):
        return found
    workers = len(found[0]["workers"])
    return {key: value for key, value in found[0].items() if key not in LEFT_OUT} | {"workers": workers}


for name in CONFIGS:
    model = config_archive(name)
    cases.add(
        name,
        call(f"management POST /models?url={model}.mar&initial_workers=0"),
        call(f"management GET /models/{model}", show=shown),
        call(f"management DELETE /models/{model}", silent=True),
        differs=DIFFERS.get(name, ""),
    )
BATCH = config_archive("a batch of 8")
TIMES = config_archive("timeouts")
for name, model, more in [
    ("the request says another batch", BATCH, "batch_size=3&max_batch_delay=4"),
    ("the request says other timeouts", TIMES, "response_timeout=33&startup_timeout=44"),
    ("the request says other workers", config_archive("workers 2 and 3"), "initial_workers=1"),
]:
    cases.add(
        name,
        call(f"management POST /models?url={model}.mar&{more}&initial_workers=0"),
        call(f"management GET /models/{model}", show=shown),
        call(f"management DELETE /models/{model}", silent=True),
    )
