"""Sequences: a queue that is full, a worker that dies or is too slow, batches, models that come and go (spec 7)."""

from tests.conformance.calls import call
from tests.conformance.case import Cases
from tests.conformance.steps import Begun, FileComes, Finished, MakeFile, Until, ready

cases = Cases("lives", house="managed")
TEXT = {"content_type": "text/plain"}


def add(archive: str, workers: int = 1):
    return call(f"management POST /models?url={archive}.mar&initial_workers={workers}", silent=True)


def remove(model: str):
    return call(f"management DELETE /models/{model}", silent=True)


def hold(model: str, file: str):
    return call(f"POST /predictions/{model}", f"<folder>/{file}" if file else "", **TEXT)


QUEUE = call("management GET /models/tight", show=lambda found: found[0]["jobQueueStatus"])
WAITING = Until(call("management GET /models/tight"), lambda answer: '"pendingRequests": 1' in str(answer["body"]))
cases.add(
    "a queue that is full",
    add("tight"),
    QUEUE,
    Begun("first", (hold("tight", "tight-1"),)),
    FileComes("<folder>/tight-1.begun"),
    Begun("second", (hold("tight", ""),)),
    WAITING,
    QUEUE,
    hold("tight", ""),
    call("POST /predictions/tight/1.0", b"", **TEXT),
    call("GET /ping"),
    MakeFile("<folder>/tight-1.go"),
    Finished("first"),
    Finished("second"),
    hold("tight", ""),
    remove("tight"),
    differs='`Model "m" Version v" has no worker',
)
cases.add(
    "a worker that is too slow",
    add("hasty"),
    hold("hasty", "hasty-1"),
    ready("hasty"),
    hold("hasty", ""),
    remove("hasty"),
)
for wish in ("exit", "sys.exit", "kill"):
    cases.add(
        f"a worker that dies: {wish}",
        add("dies"),
        call("POST /predictions/dies", wish, **TEXT),
        call("GET /ping"),
        ready("dies"),
        call("POST /predictions/dies", "live", **TEXT),
        remove("dies"),
    )
cases.add(
    "a queue of a worker that starts",
    call("management POST /models?url=stored.mar&initial_workers=1&synchronous=false"),
    call("POST /predictions/stored", "42", **TEXT),
    remove("stored"),
)


def batch(*bodies: str, model: str = "batched"):
    return tuple(call(f"POST /predictions/{model}", body, **TEXT) for body in bodies)


cases.add("a batch", add("batched"), Begun("batch", batch("a", "a", "a", "a")), Finished("batch"), remove("batched"))
cases.add(
    "a lone request where a batch may wait",
    add("eager"),
    Begun("batch", batch("a", model="eager")),
    Finished("batch"),
    remove("eager"),
)
cases.add(
    "a batch of which one fails",
    add("batched"),
    Begun("batch", batch("a", "a", "fail", "a")),
    Finished("batch"),
    remove("batched"),
)
cases.add(
    "a batch of which one is marked",
    add("batched"),
    Begun("batch", batch("a", "a", "mark", "a")),
    Finished("batch"),
    remove("batched"),
)
cases.add(
    "scaled to none and back",
    add("stored"),
    call("management PUT /models/stored?min_worker=0&synchronous=true"),
    call("GET /ping"),
    call("management PUT /models/stored?min_worker=1&synchronous=true"),
    call("POST /predictions/stored", "42", **TEXT),
    remove("stored"),
)
cases.add(
    "a model whose worker never loads",
    call("management POST /models?url=broken_load.mar&initial_workers=1&synchronous=false"),
    call("GET /ping"),
    call("management DELETE /models/broken_load"),
    call("GET /ping"),
)

UNHEALTHY = Until(call("GET /ping"), lambda answer: answer.get("status") == 500)
cases.add(
    "a model whose worker is given up",
    call("management POST /models?url=doomed.mar&synchronous=false"),
    UNHEALTHY,
    call("GET /ping"),
    call("management DELETE /models/doomed"),
    call("GET /ping"),
)
cases.add(
    "a request to a model whose worker is given up",
    call("management POST /models?url=doomed.mar&synchronous=false"),
    UNHEALTHY,
    Begun("request", (call("POST /predictions/doomed", "42"),), timeout=2.0),
    Finished("request"),
    remove("doomed"),
    differs="Requests to a model whose workers all failed",
    unsteady=True,  # where the request comes just before the worker is given up, TorchServe says 500 "Worker died."
)
