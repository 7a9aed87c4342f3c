"""Sequences: a queue that is full, a worker that dies or is too slow, batches, models that come and go (spec 7)."""

from typing import Any

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
cases.add(
    "a stream that stands still",
    add("stalls"),
    hold("stalls", "stalls-1"),
    ready("stalls"),
    hold("stalls", ""),
    remove("stalls"),
)
cases.add(
    "the health of a version that is not the default one",
    call("management POST /models?url=stored.mar&model_name=two&initial_workers=1", silent=True),
    call("management POST /models?url=doomed_v2.mar&model_name=two&synchronous=false", silent=True),
    Until(call("management GET /models/two/2.0"), lambda answer: '"UNLOADING"' in str(answer.get("body"))),
    call("GET /ping"),
    call("management PUT /models/two/2.0/set-default"),
    UNHEALTHY,
    call("management PUT /models/two/1.0/set-default"),
    call("GET /ping"),
    call("management DELETE /models/two/2.0"),
    remove("two"),
)
LOADING = call("management POST /models?url=stored.mar&initial_workers=1&synchronous=false", silent=True)


def workers(found: Any) -> Any:
    return [found[0]["minWorkers"], found[0]["maxWorkers"], len(found[0]["workers"])]


SEEN = call("management GET /models/stored", show=workers)
cases.add("unregistered while it loads", LOADING, call("management DELETE /models/stored"), SEEN)
cases.add(
    "scaled while it loads",
    LOADING,
    call("management PUT /models/stored?min_worker=2&synchronous=true"),
    SEEN,
    remove("stored"),
)
CONFIGURED = call("management GET /models/configured", show=workers)
cases.add(
    "scaled beyond what model-config.yaml says",
    call("management POST /models?url=configured.mar&initial_workers=0", silent=True),
    CONFIGURED,
    call("management PUT /models/configured?min_worker=0&synchronous=true"),
    CONFIGURED,
    call("management PUT /models/configured?max_worker=4&synchronous=true"),
    CONFIGURED,
    remove("configured"),
)


def states(found: Any) -> Any:
    return [worker["status"] for worker in found[0]["workers"]]


SLOW = "management POST /models?url=slow.mar&initial_workers=1&startup_timeout="
cases.add("a model that loads for too long", call(f"{SLOW}1"), call("management GET /models/slow"))
cases.add(
    "a model that loads in the end",
    call(f"{SLOW}2&synchronous=false"),
    call("management GET /models/slow", show=states),
    call("GET /ping"),
    MakeFile("<folder>/slow.go"),
    ready("slow"),
    call("management GET /models/slow", show=states),
    call("POST /predictions/slow", "42"),
    remove("slow"),
)
QUEUED = Until(call("management GET /models/queue"), lambda answer: '"pendingRequests": 2' in str(answer["body"]))
cases.add(
    "requests that wait while there are no workers",
    call("management POST /models?url=holds.mar&model_name=queue&initial_workers=1", silent=True),
    Begun("first", (hold("queue", "queue-1"),)),
    FileComes("<folder>/queue-1.begun"),
    Begun("others", (hold("queue", ""), hold("queue", ""))),
    QUEUED,
    call("management PUT /models/queue?min_worker=0&synchronous=true"),
    hold("queue", ""),
    MakeFile("<folder>/queue-1.go"),
    call("management PUT /models/queue?min_worker=1&synchronous=true"),
    Finished("others"),
    remove("queue"),
)
