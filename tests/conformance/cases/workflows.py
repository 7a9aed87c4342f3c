"""Workflows: register, describe, list, run, unregister (spec 10). TorchServe takes archives that tsnb made."""

from typing import Any

from tests.conformance.calls import Call, call, form
from tests.conformance.case import Cases
from tests.conformance.steps import StoreHas

cases = Cases("workflows", house="workflows")
IO = "A download of a name that is in the workflow store"
JSON_BODY = "A JSON body that does not name both timeouts"
BYTES = {"content_type": "application/octet-stream"}


def register(archive: str, more: str = "", **said: Any) -> Call:
    return call(f"management POST /workflows?url={archive}.war{more}", **said)


def come(archive: str, more: str = "") -> Call:
    return register(archive, more, silent=True)


def gone(name: str) -> Call:
    return call(f"management DELETE /workflows/{name}", silent=True)


def run(name: str, body: bytes | dict[str, Any] = b"x", **said: Any) -> Call:
    return call(f"POST /wfpredict/{name}", body, **({} if isinstance(body, dict) else BYTES), **said)


cases.add("none yet", call("management GET /workflows"))
cases.add(
    "the life of a workflow",
    register("chain"),
    register("chain"),
    call("management GET /workflows/chain"),
    call("management GET /workflows"),
    call("management GET /models"),
    call("management PUT /workflows/chain"),
    run("chain"),
    run("chain"),
    call("management DELETE /workflows/chain"),
    call("management DELETE /workflows/chain"),
    call("management GET /workflows/chain"),
    call("management GET /models"),
    run("chain"),
)
cases.add(
    "another name",
    register("one", "&workflow_name=mine"),
    call("management GET /workflows/mine"),
    run("mine"),
    call("management GET /workflows/one"),
    gone("mine"),
)
cases.add(
    "a JSON body",
    call("management POST /workflows", {"url": "one.war", "workflow_name": "mine", "response_timeout": 7}),
    call("management GET /models/mine__last", show=lambda found: found[0]["responseTimeout"]),
    gone("mine"),
    differs=JSON_BODY,
)
cases.add(
    "a JSON body with no more than a url",
    call("management POST /workflows", {"url": "one.war"}),
    gone("one"),
    differs=JSON_BODY,
)
cases.add(
    "a JSON body with both timeouts",
    call("management POST /workflows", {"url": "one.war", "response_timeout": 7, "startup_timeout": 77}),
    gone("one"),
)
cases.add(
    "a JSON body that is none",
    call("management POST /workflows", b"{url", content_type="application/json"),
    differs="Register with a broken JSON body",
)
cases.add(
    "timeouts",
    register("one", "&response_timeout=7&startup_timeout=77"),
    call(
        "management GET /models/one__last", show=lambda found: [found[0]["responseTimeout"], found[0]["startupTimeout"]]
    ),
    gone("one"),
)


def settings(found: Any) -> Any:
    keys = ("modelName", "modelUrl", "minWorkers", "maxWorkers", "batchSize", "maxBatchDelay", "responseTimeout")
    return {key: found[0].get(key) for key in keys}


cases.add(
    "settings of all and of one",
    come("settings"),
    call("management GET /workflows/settings"),
    *(call(f"management GET /models/settings__{node}", show=settings) for node in ("first", "echo", "mine", "last")),
    run("settings"),
    gone("settings"),
)
cases.add(
    "blank successors",
    register("blank"),
    call("management GET /workflows/blank"),
    run("blank"),
    gone("blank"),
    differs="Blank successors",
)
cases.add("several leaves", come("leaves"), run("leaves", show=dict), gone("leaves"))
cases.add("a node after several", come("join"), run("join", show=dict), gone("join"))
cases.add(
    "a leaf that is no JSON object beside another",
    come("plain_leaf"),
    run("plain_leaf"),
    gone("plain_leaf"),
    differs="Leaves of a workflow with several",
)
cases.add("a node that fails", come("fails"), run("fails"), gone("fails"))
cases.add("a node that is late", come("late"), run("late"), gone("late"))
cases.add(
    "a node that answers in parts",
    come("in_parts"),
    run("in_parts"),
    gone("in_parts"),
    differs="A node that answers in parts",
)
body, kind = form(("body", "", b"one"), ("data", "f.txt; text/plain", b"two"))
cases.add(
    "what the first node gets",
    come("one"),
    run("one", b"bytes"),
    run("one", {"a": 1}),
    call("POST /wfpredict/one", b"text", content_type="text/plain"),
    call("POST /wfpredict/one", body, content_type=kind),
    call("POST /wfpredict/one", b"a=1&b=2", content_type="application/x-www-form-urlencoded"),
    call("POST /wfpredict/one?c=3", b"x", **BYTES),
    call("GET /wfpredict/one"),
    call("PUT /wfpredict/one", b"x", **BYTES),
    call("DELETE /wfpredict/one"),
    call("POST /WFPREDICT/one", b"x", **BYTES),
    call("POST /wfpredict/one/1.0", b"x", **BYTES),
    gone("one"),
)
cases.add(
    "OPTIONS of a workflow", come("one"), call("OPTIONS /wfpredict/one"), gone("one"), differs="OPTIONS of a workflow"
)
cases.add("no workflow is named", call("POST /wfpredict", b"x", **BYTES), call("POST /wfpredict/", b"x", **BYTES))
cases.add("a model is no workflow", call("POST /wfpredict/echo", b"x", **BYTES))
cases.add(
    "pages",
    come("one"),
    come("one", "&workflow_name=three"),
    come("one", "&workflow_name=two"),
    call("management GET /workflows?limit=2"),
    call("management GET /workflows?limit=2&next_page_token=2"),
    call("management GET /workflows?limit=3"),
    call("management GET /workflows?limit=0"),
    call("management GET /workflows?limit=-1"),
    call("management GET /workflows?limit=x"),
    call("management GET /workflows?next_page_token=9"),
    gone("one"),
    gone("two"),
    gone("three"),
)
cases.add(
    "a node whose model is gone",
    come("chain"),
    call("management DELETE /models/chain__echo"),
    run("chain"),
    call("management DELETE /workflows/chain"),
    differs="A node whose model was unregistered",
)
cases.add(
    "a node scaled to none",
    come("chain"),
    call("management PUT /models/chain__echo?min_worker=0&synchronous=true"),
    run("chain"),
    gone("chain"),
)
cases.add("a node asked by itself", come("one"), call("POST /predictions/one__last", b"x", **BYTES), gone("one"))
cases.add(
    "a model of that name is there",
    come("chain"),
    register("chain", "&workflow_name=again"),
    gone("again"),
    gone("chain"),
)

cases.add("no url", call("management POST /workflows"))
cases.add("an empty url", call("management POST /workflows?url="))
cases.add("not in the store", register("nowhere"))
cases.add("dots in the url", register("../chain"))
cases.add("a download that fails", call("management POST /workflows?url=http://127.0.0.1:1/w.war"))
cases.add("another scheme", call("management POST /workflows?url=ftp://127.0.0.1/w.war"))
cases.add(
    "a download",
    call("management POST /workflows?url=<files>/elsewhere.war"),
    StoreHas(("elsewhere.war",)),
    call("management GET /workflows/far"),
    call("management POST /workflows?url=<files>/elsewhere.war&workflow_name=again"),
    gone("far"),
    gone("again"),
    differs=IO,
)
cases.add(
    "what lies in the store already",
    call("management POST /workflows?url=<files>/one.war"),
    gone("one"),
    differs=IO,
)
cases.add(
    "a URL that is not allowed", call("management POST /workflows?url=<files>/bad/elsewhere.war"), house="undecoded"
)
DAG = "`DAG should have only one start node`"
for name in ("two_starts", "itself", "circle", "no_start"):
    cases.add(f"a bad DAG: {name}", register(name), differs=DAG)
SPEC = "A spec that is no YAML"
for name in ("no_dag", "no_models", "no_yaml", "no_url", "noise", "no_manifest", "no_handler"):
    cases.add(f"a bad archive: {name}", register(name), gone(name), call("management GET /models"), differs=SPEC)
for name in ("lacks_model", "lacks_function", "does_not_load"):
    cases.add(
        f"a bad archive: {name}", register(name), call("management GET /models"), call("management GET /workflows")
    )
for method, path in [
    ("PUT", "/workflows"),
    ("DELETE", "/workflows"),
    ("POST", "/workflows/w"),
    ("PATCH", "/workflows"),
]:
    cases.add(f"{method} {path}", call(f"management {method} {path}"))
cases.add("nobody", call("management GET /workflows/no"), call("management DELETE /workflows/no"), run("no"))
cases.add("on the other port", call("GET /workflows"), call("management POST /wfpredict/one", b"x", **BYTES))

for kind in ("", "inference", "management"):
    name = f"the {kind} key" if kind else "no token"
    cases.add(f"{name}: workflows", call("management GET /workflows", token=kind), house="guarded")
    cases.add(f"{name}: a prediction", call("POST /wfpredict/no", b"x", **BYTES, token=kind), house="guarded")
OFF = "Workflows are registered whatever"
cases.add(
    "model API off",
    register("one", token="management"),
    call("management DELETE /workflows/one", token="management"),
    house="guarded",
    differs=OFF,
)
