"""``POST /models``: where an archive may come from, every parameter, and every refusal (spec 2.2)."""

from typing import Any
from urllib.parse import urlencode

from tests.conformance.calls import Call, call
from tests.conformance.case import Cases
from tests.conformance.steps import StoreHas, ready

cases = Cases("register", house="managed")
WORKERS = ("minWorkers", "maxWorkers")
BATCHING = ("batchSize", "maxBatchDelay")
SAVE = "An unreadable tar.gz"
MORE = "`Failed to download archive from: <url>`"
TIMEOUTS = ("responseTimeout", "startupTimeout", "maxRetryTimeoutInSec", "clientTimeoutInMills")
SETTINGS = ("modelName", "modelVersion", "modelUrl", "runtime", *WORKERS, *BATCHING, *TIMEOUTS, "loadedAtStartup")


def settings(found: Any) -> Any:
    """The settings of the first version that is described."""
    return {key: found[0][key] for key in SETTINGS}


def register(**parameters: str) -> Call:
    return call(f"management POST /models?{urlencode(parameters, safe='<>/:')}")


def look(model: str) -> Call:
    return call(f"management GET /models/{model}", show=settings)


def remove(model: str) -> Call:
    return call(f"management DELETE /models/{model}", silent=True)


# --- where from ---------------------------------------------------------------------------------

for name, url in [
    ("a file in the store", "echo_v2.mar"),
    ("a tar.gz", "tgz.tar.gz"),
    ("a stored archive", "stored.mar"),
    ("a folder in the store", "folder"),
    ("a path whose base name is in the store", "some/where/stored.mar"),
    ("a path with backslashes", r"some\where\stored.mar"),
    ("a path of a folder", "<store>/folder"),
    ("a file URL", "file://<archives>/elsewhere.mar"),
    ("an http URL", "<files>/good/elsewhere.mar"),
]:
    cases.add(f"from {name}", register(url=url, model_name="taken"), look("taken"), remove("taken"))

cases.add(
    "what was downloaded leaves the store with its model",
    register(url="<files>/good/elsewhere.mar", model_name="downloaded"),
    StoreHas(("elsewhere.mar",)),
    call("management DELETE /models/downloaded"),
    StoreHas(("elsewhere.mar",)),
)
cases.add(
    "a file of the store stays",
    register(url="stored.mar", model_name="kept"),
    call("management DELETE /models/kept"),
    StoreHas(("stored.mar",)),
)

for name, url in [
    ("no file", "nobody.mar"),
    ("an empty url", ""),
    ("a relative path", "../echo.mar"),
    ("dots in a URL", "file://<archives>/../archives/echo.mar"),
    ("dots in a name", "echo..mar"),
    ("an http URL without a file", "<files>/nobody.mar"),
    ("a file URL without a file", "file:///nobody.mar"),
    ("a server that is not there", "http://127.0.0.1:1/echo.mar"),
    ("an unknown scheme", "ftp://127.0.0.1/echo.mar"),
    ("S3", "s3://bucket/echo.mar"),
    ("an absolute path of nothing", "/nowhere/nobody.mar"),
]:
    differs = MORE if url in ("file:///nobody.mar", "<files>/nobody.mar") else ""
    steps = register(url=url, model_name="none"), call("management GET /models/none", show=settings), remove("none")
    cases.add(f"from {name}", *steps, differs=differs)

for name, url in [
    ("an http URL without a file name", "<files>/"),
    ("an http URL that ends in a slash", "<files>/good/elsewhere.mar/"),
    ("a file URL without a file name", "file:///"),
    ("a scheme and nothing", "http://"),
    ("a file URL of a folder", "file://<archives>"),
    ("an impossible port", "http://127.0.0.1:99999/nobody.mar"),
]:
    cases.add(f"from {name}", register(url=url, model_name="none"), differs="A URL without a file name")
cases.add(
    "from encoded dots",
    register(url="<files>/%2e%2e/elsewhere.mar", model_name="none"),
    remove("none"),
    differs="A URL without a file name",
)
for name, url in [
    ("a URL that redirects", "<files>/moved-to-good/elsewhere.mar"),
    ("a URL with a query", "<files>/good/elsewhere.mar?x=1"),
    ("a URL with a fragment", "<files>/good/elsewhere.mar#x"),
    ("a URL with an encoded letter", "<files>/good/else%77here.mar"),
    ("a file URL of this machine", "file://localhost<archives>/elsewhere.mar"),
    ("a file URL in capitals", "FILE://<archives>/elsewhere.mar"),
    ("a file URL without slashes", "file:<archives>/elsewhere.mar"),
]:
    cases.add(f"from {name}", register(url=url, model_name="odd", initial_workers="0"), look("odd"), remove("odd"))
for name, url in [
    ("the root folder", "/"),
    ("the current folder", "."),
    ("the model store", "<store>"),
    ("any folder", "/tmp"),
    ("a scheme without slashes", "file:"),
]:
    cases.add(
        f"from {name}, with a handler",
        register(url=url, model_name="none", handler="echo.py", initial_workers="0"),
        remove("none"),
        differs="A folder that is no model",
    )
cases.add(
    "from a folder in a folder",
    register(url="nested", model_name="nested", handler="echo.py", initial_workers="1"),
    call("POST /predictions/nested", "42", content_type="text/plain"),
    remove("nested"),
)
cases.add(
    "from a folder without a manifest, with its handler",
    register(url="bare", model_name="bare", handler="echo.py", initial_workers="1"),
    call("POST /predictions/bare", "42", content_type="text/plain"),
    remove("bare"),
)

cases.add("without a url", register(model_name="none"))
cases.add("without anything", call("management POST /models"))
cases.add("a URL whose file is in the store already", register(url="<files>/good/stored.mar", model_name="none"))

# --- what is in it ------------------------------------------------------------------------------

for name in ("no_version", "old_keys", "no_manifest"):
    cases.add(
        f"archive: {name}", register(url=f"{name}.mar", model_name="odd", handler="echo"), look("odd"), remove("odd")
    )
cases.add("archive: the manifest's name", register(url="described.mar"), look("described"), remove("described"))
for name, differs in [
    ("no_name", ""),
    ("noise", "A corrupt `.mar`"),
    ("odd_runtime", MORE),
    ("bad_manifest", MORE),
    ("escapes", SAVE),
    ("no_handler", "An archive without a handler"),
]:
    cases.add(
        f"archive: {name}",
        register(url=f"{name}.mar"),
        call(f"management GET /models/{name}", silent=True),
        remove(name),
        differs=differs,
    )
cases.add("archive: noise as tar.gz", register(url="noise.tar.gz", model_name="none"), differs=SAVE)
cases.add("archive: a tar that is not compressed", register(url="not_gz.tar.gz", model_name="none"), differs=SAVE)

# --- parameters ---------------------------------------------------------------------------------

FEW = {"url": "stored.mar", "model_name": "set", "initial_workers": "0"}
for name, parameters in [
    ("only the url", {}),
    ("a handler", {"handler": "echo.py:handle"}),
    ("a runtime", {"runtime": "python3"}),
    ("batching", {"batch_size": "4", "max_batch_delay": "50"}),
    ("a batch size that means not given", {"batch_size": "-1", "max_batch_delay": "-100"}),
    ("a delay of 0", {"max_batch_delay": "0"}),
    ("numbers that are none", {"batch_size": "x", "max_batch_delay": "", "response_timeout": "1.5"}),
    ("a number with blanks", {"batch_size": " 4 "}),
    ("a number with a sign", {"batch_size": "+4"}),
    ("a number that is too large", {"batch_size": "99999999999"}),
    ("timeouts", {"response_timeout": "7", "startup_timeout": "8"}),
    ("negative workers", {"initial_workers": "-3"}),
    ("workers that are no number", {"initial_workers": "x"}),
    ("no signing", {"s3_sse_kms": "false"}),
    ("signing of what is in the store", {"s3_sse_kms": "true"}),
    ("an unknown parameter", {"min_worker": "4", "colour": "red"}),
    ("an empty name", {"model_name": ""}),
    ("a name with a blank", {"model_name": "two words"}),
]:
    given = FEW | parameters
    model = given["model_name"].replace(" ", "%20") or "stored"
    cases.add(f"parameters: {name}", register(**given), look(model), remove(model))
cases.add(
    "parameters: a batch size of 0",
    register(**FEW, batch_size="0"),
    look("set"),
    remove("set"),
    differs="A batch size below 1",
)
cases.add(
    "parameters: a negative batch size",
    register(**FEW, batch_size="-4"),
    look("set"),
    remove("set"),
    differs="A batch size below 1",
)
cases.add("parameters: a negative delay", register(**FEW, max_batch_delay="-4"), look("set"), remove("set"))
cases.add("parameters: an unknown runtime", register(**FEW, runtime="ruby"), look("set"))
cases.add("parameters: a runtime in capitals", register(**FEW, runtime="PYTHON"), look("set"))
ZERO = "`response_timeout` or `startup_timeout`"
cases.add("parameters: a timeout of 0", register(**FEW, response_timeout="0"), remove("set"), differs=ZERO)
cases.add("parameters: a negative timeout", register(**FEW, startup_timeout="-5"), remove("set"), differs=ZERO)
cases.add(
    "parameters: given twice",
    call("management POST /models?url=nobody.mar&url=stored.mar&model_name=set&initial_workers=0"),
    remove("set"),
)

for count in ("0", "1"):
    cases.add(
        f"parameters: the runtime of C++ and {count} workers",
        register(**FEW | {"initial_workers": count}, runtime="LSP"),
        remove("set"),
        differs="A model with the runtime LSP",
    )
cases.add(
    "parameters: the runtime of C++, JSON",
    call("management POST /models", {"url": "stored.mar", "runtime": "lsp", "max_batch_delay": 1}),
)

# --- a JSON body --------------------------------------------------------------------------------

BODY: dict[str, Any] = {"url": "stored.mar", "model_name": "set", "initial_workers": 0, "max_batch_delay": 20}
for name, body in [
    ("numbers", BODY | {"batch_size": 3, "response_timeout": 9}),
    ("texts", BODY | {"batch_size": "3", "initial_workers": "0"}),
    ("whole numbers with a point", BODY | {"batch_size": 3.0, "initial_workers": 0.0}),
    ("true", BODY | {"synchronous": True}),
    ("null", BODY | {"handler": None}),
    ("an unknown key", BODY | {"colour": "red"}),
]:
    cases.add(f"a JSON body with {name}", call("management POST /models", body), look("set"), remove("set"))
cases.add(
    "a JSON body beside a query",
    call("management POST /models?url=nobody.mar&model_name=other&batch_size=9", BODY),
    look("set"),
    remove("set"),
)
cases.add(
    "a JSON body without a delay",
    call("management POST /models", {"url": "stored.mar", "model_name": "set", "initial_workers": 0}),
    look("set"),
    remove("set"),
    differs="Register with a JSON body and no `max_batch_delay`",
)
cases.add("a JSON body without a url", call("management POST /models", {"model_name": "none"}))
JSON = {"content_type": "application/json"}
for name, text in [
    ("broken", "{"),
    ("a list", "[1]"),
    ("a text", '"stored.mar"'),
    ("a number in a word", '{"batch_size": "x"}'),
    ("a number with a fraction", '{"url": "stored.mar", "batch_size": 2.5}'),
    ("a truth for a number", '{"url": "stored.mar", "initial_workers": true}'),
    ("null", "null"),
    ("more than one", '{"url": "stored.mar"} x'),
]:
    cases.add(
        f"a JSON body that is {name}",
        call("management POST /models", text, **JSON),
        differs="Register with a broken JSON body",
    )
cases.add(
    "an empty JSON body", call("management POST /models", b"", **JSON), differs="Register with a broken JSON body"
)
cases.add(
    "a JSON body whose type is in capitals",
    call("management POST /models?url=stored.mar", BODY | {"url": "nobody.mar"}, content_type="Application/JSON"),
)
cases.add(
    "semicolons between parameters",
    call("management POST /models?url=stored.mar;model_name=set;initial_workers=0"),
    look("set"),
    remove("set"),
)
cases.add(
    "a form body is not read",
    call("management POST /models", b"url=stored.mar", content_type="application/x-www-form-urlencoded"),
)
cases.add(
    "a JSON body with a charset",
    call("management POST /models", BODY | {"x": 1}, content_type="application/json; charset=utf-8"),
    remove("set"),
)

# --- workers ------------------------------------------------------------------------------------

ONE = {"url": "stored.mar", "model_name": "set"}
for name, parameters in [
    ("default_workers_per_model", {}),
    ("one", {"initial_workers": "1"}),
    ("one, waited for", {"initial_workers": "1", "synchronous": "true"}),
    ("one, waited for in capitals", {"initial_workers": "1", "synchronous": "TRUE"}),
    ("none, not waited for", {"initial_workers": "0", "synchronous": "false"}),
]:
    cases.add(f"workers: {name}", register(**ONE, **parameters), look("set"), remove("set"))
for name, synchronous in [("false", "false"), ("a word", "-1"), ("empty", "")]:
    cases.add(
        f"workers: not waited for, {name}",
        register(**ONE, initial_workers="1", synchronous=synchronous),
        ready("set"),
        call("POST /predictions/set", "42"),
        remove("set"),
    )
cases.add(
    "workers: two",
    register(**ONE, initial_workers="2"),
    call("management GET /models/set"),
    call("POST /predictions/set", "42", content_type="text/plain"),
    remove("set"),
)
cases.add(
    "workers that fail",
    register(url="broken_load.mar", model_name="none", initial_workers="1"),
    remove("none"),
)
cases.add(
    "what is left where workers failed",
    call("management POST /models?url=broken_load.mar&model_name=none&initial_workers=1", silent=True),
    call("management GET /models/none", show=settings),
    call("POST /predictions/none", "42"),
    remove("none"),
    differs="A model whose workers fail while it is registered",
)
cases.add(
    "a handler that does not exist",
    register(url="module.mar", model_name="none", handler="nobody.py", initial_workers="1"),
    remove("none"),
)
cases.add(
    "a handler that fails when it is asked to be ready",
    register(url="module.mar", model_name="none", handler="module:not_ready", initial_workers="1"),
    remove("none"),
)
cases.add(
    "another function of the handler",
    register(url="module.mar", model_name="set", handler="module:other", initial_workers="1"),
    call("POST /predictions/set", "42"),
    remove("set"),
)
cases.add(
    "another function of the handler, with its suffix",
    register(url="module.mar", model_name="set", handler="module.py:other", initial_workers="1"),
    call("POST /predictions/set", "42"),
    remove("set"),
)

# --- model-config.yaml --------------------------------------------------------------------------

cases.add("config: all of it", register(url="configured.mar"), look("configured"), remove("configured"))
cases.add(
    "config: against the request",
    register(
        url="configured.mar",
        initial_workers="0",
        batch_size="2",
        max_batch_delay="5",
        response_timeout="3",
        startup_timeout="4",
    ),
    look("configured"),
    remove("configured"),
)
cases.add(
    "config: a file that says little, against the request",
    register(url="timeouts_only.mar", initial_workers="0", response_timeout="3", startup_timeout="4"),
    look("timeouts_only"),
    remove("timeouts_only"),
    differs="Beside a model-config.yaml",
)
cases.add(
    "config: values that make no sense",
    register(url="odd_config.mar", initial_workers="0"),
    look("odd_config"),
    remove("odd_config"),
)

# --- again --------------------------------------------------------------------------------------

cases.add(
    "the same version twice",
    register(**FEW),
    register(**FEW),
    call("management GET /models/set", show=settings),
    remove("set"),
)
cases.add(
    "another version of the same name",
    register(url="described.mar", model_name="two", initial_workers="1"),
    register(url="echo_v2.mar", model_name="two", initial_workers="1"),
    call("management GET /models/two", show=settings),
    call("management GET /models/two/2.0", show=settings),
    call("POST /predictions/two", "42", content_type="text/plain"),
    call("POST /predictions/two/2.0", "42", content_type="text/plain"),
    call("management DELETE /models/two/2.0"),
    call("management DELETE /models/two"),
    call("management DELETE /models/two"),
)
for method in ("PUT", "DELETE", "PATCH", "HEAD"):
    differs = "HEAD is 405" if method == "HEAD" else ""
    cases.add(f"{method} of all models", call(f"management {method} /models"), differs=differs)

FAILS = {"url": "needs.mar", "initial_workers": "0"}
cases.add("requirements that cannot be installed", register(**FAILS), remove("needs"), house="dependencies")
cases.add(
    "what is left where requirements could not be installed",
    call("management POST /models?url=needs.mar&initial_workers=0", silent=True),
    call("management GET /models/needs", show=settings),
    remove("needs"),
    house="dependencies",
    differs="A model whose requirements could not",
)
