"""What a server does with the models, the settings and the certificates that it starts with (spec 7.12, 8.1, 9.4)."""

from typing import Any

from tests.conformance.calls import call
from tests.conformance.case import Cases
from tests.conformance.steps import ready

cases = Cases("startup", house="startup")
KEYS = ("modelName", "modelVersion", "modelUrl", "minWorkers", "maxWorkers", "batchSize", "maxBatchDelay")
KEYS += ("responseTimeout", "startupTimeout", "loadedAtStartup", "jobQueueStatus")


def settings(found: Any) -> Any:
    return {key: found[0][key] for key in KEYS}


CORRUPT = "A corrupt `.mar`"
cases.add("the models that were loaded", ready("echo", 2), call("management GET /models"), differs=CORRUPT)
for name in ("echo", "no_name", "no_version", "configured", "tgz", "folder"):
    cases.add(f"settings of {name}", call(f"management GET /models/{name}", show=settings))
cases.add("a corrupt archive", call("management GET /models/noise", show=settings), differs=CORRUPT)
for name in ("echo", "no_name", "folder"):
    cases.add(f"an answer of {name}", ready(name), call(f"POST /predictions/{name}", "42", content_type="text/plain"))
cases.add(
    "settings of a model that comes later",
    call("management POST /models?url=no_version.mar&model_name=later&initial_workers=0"),
    call("management GET /models/later", show=settings),
    call("management DELETE /models/later", silent=True),
)
cases.add(
    "allowed URLs of the environment do not count",
    call("management POST /models?url=<files>/good/elsewhere.mar&model_name=later&initial_workers=0"),
    call("management DELETE /models/later", silent=True),
)
cases.add("ping", call("GET /ping"))

cases.add("https: a prediction", call("POST /predictions/probe", "42", content_type="text/plain"), house="https")
cases.add("https: management", call("management GET /models"), house="https")
cases.add("https: metrics", call("metrics GET /metrics?name[]=nothing"), house="https")
cases.add("https: plain HTTP", call("GET /ping", plain=True), house="https", differs="A plain request to an https port")
