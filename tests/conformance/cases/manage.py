"""Scale, describe, list, unregister, set-default (spec 2.3 to 2.7)."""

from typing import Any

from tests.conformance.calls import call
from tests.conformance.case import Cases
from tests.conformance.steps import ready

cases = Cases("manage", house="managed")

ADD = call("management POST /models?url=stored.mar&model_name=m&initial_workers=1", silent=True)
BARE = call("management POST /models?url=stored.mar&model_name=m&initial_workers=0", silent=True)
TWO = call("management POST /models?url=echo_v2.mar&model_name=m&initial_workers=1", silent=True)
REMOVE = call("management DELETE /models/m", silent=True)
DESCRIBED = call("management POST /models?url=described.mar&model_name=m&initial_workers=1", silent=True)


def workers(found: Any) -> Any:
    """How many workers there are, and how many there should be."""
    return [found[0]["minWorkers"], found[0]["maxWorkers"], [worker["status"] for worker in found[0]["workers"]]]


SEEN = call("management GET /models/m", show=workers)

# --- scale --------------------------------------------------------------------------------------

for name, query in [
    ("nothing said", ""),
    ("more", "?min_worker=2&synchronous=true"),
    ("more, in capitals", "?min_worker=2&synchronous=TRUE"),
    ("a range", "?min_worker=1&max_worker=3&synchronous=true"),
    ("none", "?min_worker=0&synchronous=true"),
    ("only the most", "?max_worker=2&synchronous=true"),
    ("numbers that are none", "?min_worker=x&synchronous=true"),
    ("parameters without a meaning", "?min_worker=1&number_gpu=3&timeout=0&synchronous=true"),
    ("a known version", "?min_worker=1&model_version=1.0&synchronous=true"),
]:
    cases.add(f"scale: {name}", ADD, call(f"management PUT /models/m{query}"), ready("m", 0), SEEN, REMOVE)
cases.add(
    "scale: a version in the path", ADD, call("management PUT /models/m/1.0?min_worker=1&synchronous=true"), REMOVE
)
for name, query, differs in [
    ("less at most than at least", "?min_worker=2&max_worker=1", ""),
    ("at most none", "?max_worker=0", ""),
    ("a negative number", "?min_worker=-1", "Negative `min_worker`"),
    ("a negative number, waited for", "?min_worker=-1&synchronous=true", "Negative `min_worker`"),
    ("an unknown version", "?min_worker=1&model_version=9", ""),
]:
    cases.add(f"scale: {name}", BARE, call(f"management PUT /models/m{query}"), REMOVE, differs=differs)
for name, line, differs in [
    ("an unknown model", "nobody?min_worker=-1", ""),
    ("an unknown version", "echo/9?min_worker=-1", ""),
    ("an unknown version in the query", "echo?min_worker=-1&model_version=9", ""),
    ("an unknown model, and less at most", "nobody?min_worker=2&max_worker=1", ""),
    ("a model, and more at most", "echo?min_worker=-1&max_worker=1", "Negative `min_worker`"),
    ("a model, and less at most", "echo?min_worker=-3&max_worker=-5", ""),
]:
    cases.add(f"scale: a negative number for {name}", call(f"management PUT /models/{line}"), differs=differs)
cases.add("scale: an unknown model", call("management PUT /models/nobody?min_worker=1"))
cases.add("scale: an unknown version in the path", call("management PUT /models/echo/9?min_worker=1"))
cases.add("scale: not waited for", ADD, call("management PUT /models/m?min_worker=2"), ready("m", 2), SEEN, REMOVE)
cases.add(
    "scale: up, down and away",
    BARE,
    call("POST /predictions/m", "42"),
    call("management PUT /models/m?min_worker=2&synchronous=true"),
    SEEN,
    call("POST /predictions/m", "42", content_type="text/plain"),
    call("management PUT /models/m?min_worker=1&synchronous=true"),
    SEEN,
    call("POST /predictions/m", "42", content_type="text/plain"),
    call("management PUT /models/m?min_worker=0&synchronous=true"),
    SEEN,
    call("POST /predictions/m", "42"),
    call("POST /predictions/m/1.0", "42"),
    call("GET /ping"),
    REMOVE,
    differs='`Model "m" Version v" has no worker',
)
cases.add(
    "scale: workers that fail",
    call("management POST /models?url=broken_load.mar&model_name=b&initial_workers=0", silent=True),
    call("management PUT /models/b?min_worker=1&synchronous=true"),
    call("management PUT /models/b/1.0?min_worker=1&synchronous=true"),
    call("management DELETE /models/b"),
    differs="Scaling that fails",
)

for name, line in [
    ("semicolons between parameters", "PUT /models/echo?min_worker=1;synchronous=true"),
    ("a version in path and query", "PUT /models/echo/1.0?min_worker=1&model_version=9&synchronous=true"),
    ("a version in the query that is empty", "PUT /models/echo?min_worker=1&model_version=&synchronous=true"),
    ("a JSON body, which is not read", "PUT /models/echo?synchronous=true"),
]:
    cases.add(f"scale: {name}", call(f"management {line}", {"min_worker": 3} if "body" in name else None))

# --- describe -----------------------------------------------------------------------------------

cases.add("describe", call("management GET /models/echo"))
cases.add("describe a version", call("management GET /models/echo/1.0"))
cases.add("describe all versions", call("management GET /models/echo/all"))
cases.add("describe an unknown model", call("management GET /models/nobody"))
cases.add("describe all versions of an unknown model", call("management GET /models/nobody/all"))
cases.add("describe an unknown version", call("management GET /models/echo/9"))
cases.add("describe with more in the path", call("management GET /models/echo/1.0/more"))
cases.add("describe with set-default in the path", call("management GET /models/echo/1.0/set-default"))
cases.add("describe with much more in the path", call("management GET /models/echo/1.0/a/b"))
cases.add("describe a model without workers", BARE, call("management GET /models/m"), REMOVE)
cases.add(
    "describe what model-config.yaml says",
    call("management POST /models?url=configured.mar&model_name=m", silent=True),
    call("management GET /models/m"),
    REMOVE,
)
cases.add(
    "describe two versions",
    ADD,
    TWO,
    call("management GET /models/m/all", show=lambda found: sorted(each["modelVersion"] for each in found)),
    call("management GET /models/m", show=lambda found: [each["modelVersion"] for each in found]),
    call("management DELETE /models/m/2.0", silent=True),
    REMOVE,
)
for name, query in [("true", "true"), ("in capitals", "TRUE"), ("false", "false"), ("empty", "")]:
    cases.add(f"describe customized: {name}", DESCRIBED, call(f"management GET /models/m?customized={query}"), REMOVE)
cases.add("describe customized: a version", DESCRIBED, call("management GET /models/m/1.0?customized=true"), REMOVE)
cases.add("describe customized: all", DESCRIBED, call("management GET /models/m/all?customized=true"), REMOVE)
cases.add("describe customized: no object", call("management GET /models/echo?customized=true"))
cases.add("describe customized: no worker", BARE, call("management GET /models/m?customized=true"), REMOVE)
cases.add("describe customized: an unknown model", call("management GET /models/nobody?customized=true"))
cases.add("KServe readiness", call("management GET /v1/models/echo"))
cases.add("KServe readiness without workers", BARE, call("management GET /v1/models/m"), REMOVE)
cases.add("KServe readiness of an unknown model", call("management GET /v1/models/nobody"))
cases.add("KServe readiness by POST", call("management POST /v1/models/echo"))
cases.add("KServe readiness with more", call("management GET /v1/models/echo/more"))
cases.add("KServe list", call("management GET /v1/models"))

# --- list ---------------------------------------------------------------------------------------

for name, query in [
    ("all", ""),
    ("one a page", "?limit=1"),
    ("the second page", "?limit=1&next_page_token=1"),
    ("past the end", "?next_page_token=7"),
    ("none", "?limit=0"),
    ("a negative limit", "?limit=-1"),
    ("a large limit", "?limit=1000"),
    ("a limit that is none", "?limit=x"),
    ("a token that is none", "?limit=1&next_page_token=x"),
    ("a negative token", "?limit=1&next_page_token=-3"),
    ("exactly all", "?limit=2"),
    ("a slash", "/"),
]:
    line = f"management GET /models{query}"
    cases.add(f"list: {name}", BARE, call(line), REMOVE)
cases.add(
    "list: default versions only",
    ADD,
    TWO,
    call("management GET /models"),
    call("management DELETE /models/m/2.0", silent=True),
    REMOVE,
)

# --- unregister ---------------------------------------------------------------------------------

cases.add(
    "unregister",
    ADD,
    call("management DELETE /models/m"),
    call("management GET /models/m"),
    call("POST /predictions/m", "42"),
)
cases.add("unregister a version", ADD, call("management DELETE /models/m/1.0"), call("management GET /models/m"))
cases.add("unregister with parameters", BARE, call("management DELETE /models/m?synchronous=false&timeout=1"))
cases.add("unregister an unknown model", call("management DELETE /models/nobody"))
cases.add("unregister an unknown version", BARE, call("management DELETE /models/m/9"), REMOVE)
cases.add(
    "unregister the default version beside another",
    ADD,
    TWO,
    call("management DELETE /models/m"),
    call("management DELETE /models/m/1.0"),
    call("management DELETE /models/m/2.0"),
    call("management DELETE /models/m/1.0"),
)
cases.add(
    "unregister and register again",
    ADD,
    REMOVE,
    call("management POST /models?url=stored.mar&model_name=m&initial_workers=1"),
    REMOVE,
)

# --- set-default --------------------------------------------------------------------------------

cases.add(
    "set-default",
    ADD,
    TWO,
    call("management PUT /models/m/2.0/set-default"),
    call("management GET /models/m", show=lambda found: found[0]["modelVersion"]),
    call("management GET /models"),
    call("management DELETE /models/m/2.0"),
    call("management DELETE /models/m/1.0"),
    call("management DELETE /models/m/2.0"),
)
cases.add("set-default: an unknown model", call("management PUT /models/nobody/1.0/set-default"))
cases.add("set-default: an unknown version", call("management PUT /models/echo/9/set-default"))
cases.add("set-default: the default itself", call("management PUT /models/echo/1.0/set-default"))
cases.add("set-default by POST", call("management POST /models/echo/1.0/set-default"))
cases.add(
    "set-default by DELETE",
    BARE,
    call("management DELETE /models/m/1.0/set-default"),
    REMOVE,
    differs="DELETE of `/models/{m}/{v}/set-default`",
)
cases.add("set-default of another verb", call("management PUT /models/echo/1.0/make-default"))

# --- odd names and versions ---------------------------------------------------------------------

for name, spelled in [
    ("an umlaut", "gr%C3%BCn"),
    ("dots", "a..b"),
    ("two dots and nothing", ".."),
    ("a quote", "a%22b"),
    ("an ampersand", "a%26b"),
    ("a question mark", "a%3Fb"),
    ("a percent sign", "a%25b"),
    ("a colon", "a:b"),
    ("an equals sign", "a%3Db"),
    ("a line break", "a%0Ab"),
    ("a face", "%F0%9F%98%80"),
    ("a word of ours", "predictions"),
    ("a digit", "1"),
    ("many letters", "x" * 300),
]:
    cases.add(
        f"a name with {name}",
        call(f"management POST /models?url=stored.mar&model_name={spelled}&initial_workers=0"),
        call(f"management GET /models/{spelled}", show=lambda found: found[0]["modelName"]),
        call("management GET /models", show=lambda found: len(found["models"])),
        call(f"POST /predictions/{spelled}", "42"),
        call(f"OPTIONS /predictions/{spelled}", show=lambda found: found["info"]),
        call(f"management DELETE /models/{spelled}"),
    )
ODD = call("management POST /models?url=odd_version.mar&initial_workers=1")
cases.add(
    "a version with signs",
    ODD,
    call("POST /predictions/odd_version/v1.0-beta+x", "1", content_type="text/plain"),
    call("POST /predictions/odd_version/v1.0-beta%2Bx", "1", content_type="text/plain"),
    call("management PUT /models/odd_version/v1.0-beta+x?min_worker=1&synchronous=true"),
    call("management PUT /models/odd_version?model_version=v1.0-beta%2Bx&min_worker=1&synchronous=true"),
    call("management PUT /models/odd_version?model_version=v1.0-beta+x&min_worker=1&synchronous=true"),
    call("management DELETE /models/odd_version/v1.0-beta+x"),
)
cases.add(
    "a version called all",
    call("management POST /models?url=version_all.mar&initial_workers=0"),
    call("management GET /models/version_all/all", show=lambda found: [each["modelVersion"] for each in found]),
    call("POST /predictions/version_all", "1"),
    call("management DELETE /models/version_all/all"),
)
for name, query in [
    ("a blank before a number", "min_worker=%201&synchronous=true"),
    ("a blank before true", "min_worker=1&synchronous=%20true"),
    ("1 for true", "min_worker=1&synchronous=1"),
]:
    cases.add(f"scale: {name}", call(f"management PUT /models/echo?{query}"))
for name, line in [("the list", "GET /Models"), ("a model", "GET /models/Echo"), ("readiness", "GET /V1/models/echo")]:
    cases.add(f"capitals in {name}", call(f"management {line}"))

# --- methods and paths --------------------------------------------------------------------------

for name, line in [
    ("POST of a model", "POST /models/echo"),
    ("PATCH of a model", "PATCH /models/echo"),
    ("POST of a version", "POST /models/echo/1.0"),
    ("an unknown path", "GET /nowhere"),
    ("predictions on the management port", "POST /predictions/echo"),
    ("ping on the management port", "GET /ping"),
    ("metrics on the management port", "GET /metrics"),
    ("a token without tokens", "GET /token?type=management"),
]:
    cases.add(name, call(f"management {line}"))
