"""Tokens, and the switch of the model API (spec 9.1, 9.2). ``guarded`` has both as they are by default."""

from tests.conformance.calls import call
from tests.conformance.case import Cases
from tests.conformance.steps import KeyFile, OldKey, Until

cases = Cases("tokens", house="guarded")

for name, line in [
    ("ping", "GET /ping"),
    ("a prediction", "POST /predictions/echo"),
    ("an unknown model", "POST /predictions/nobody"),
    ("an unknown path", "GET /nowhere"),
    ("models", "management GET /models"),
    ("registering", "management POST /models?url=echo.mar"),
    ("an unknown path of management", "management GET /nowhere"),
    ("a model's description", "OPTIONS /predictions/echo"),
    ("a token", "management GET /token?type=management"),
]:
    cases.add(f"no token: {name}", call(line))
for name, line in [
    ("the description", "GET /api-description"),
    ("the description of management", "management GET /api-description"),
    ("OPTIONS", "OPTIONS /"),
    ("OPTIONS of management", "management OPTIONS /"),
    ("the root", "GET /"),
]:
    cases.add(f"no token needed: {name}", call(line, show=lambda found: found.get("openapi", found)))
cases.add("no token needed: metrics", call("metrics GET /metrics?name[]=nothing"))

for kind in ("inference", "management", "API"):
    cases.add(f"the {kind} key: ping", call("GET /ping", token=kind))
    cases.add(
        f"the {kind} key: a prediction", call("POST /predictions/echo", "42", content_type="text/plain", token=kind)
    )
    cases.add(f"the {kind} key: models", call("management GET /models", token=kind))
    cases.add(f"the {kind} key: a token of no kind", call("management GET /token", token=kind))
    cases.add(f"the {kind} key: a token of another kind", call("management GET /token?type=API", token=kind))
    cases.add(f"the {kind} key: a token on the inference port", call("GET /token?type=inference", token=kind))
for name, value in [
    ("of another word", "Token 12345678"),
    ("in small letters", "bearer 12345678"),
    ("without a word", "12345678"),
    ("that is empty", "Bearer "),
    ("that is too long", "Bearer " + "x" * 2000),
    ("of a user", "Basic YTpi"),
]:
    cases.add(f"a token {name}", call("GET /ping", token=value))
cases.add("an unknown path with the key", call("GET /nowhere", token="inference"))
cases.add("an unknown path of management with the key", call("management GET /nowhere", token="management"))
cases.add(
    "a new inference key",
    call("management GET /token?type=inference", token="API"),
    call("GET /ping", token="inference"),
    call("management GET /models", token="management"),
)
cases.add(
    "a new management key",
    call("management GET /token?type=management", token="API"),
    call("management GET /models", token="management"),
)
cases.add("a new key by POST", call("management POST /token?type=management", token="API"))
cases.add("a new key with a slash", call("management GET /token/?type=management", token="API"))

cases.add("the key file", KeyFile(), house="guarded model api", differs="Tokens have 8 characters")
cases.add("an old inference key", OldKey("inference", call("GET /ping")))
cases.add("an old management key", OldKey("management", call("management GET /models")))
for name, value in [
    ("after two blanks", "Bearer  <inference key>"),
    ("after a tab", "Bearer\t<inference key>"),
    ("before a blank", "Bearer <inference key> "),
    ("before another word", "Bearer <inference key> more"),
    ("in quotes", 'Bearer "<inference key>"'),
    ("after a word in capitals", "BEARER <inference key>"),
    ("beside another", "Bearer 12345678,Bearer <inference key>"),
]:
    cases.add(f"a right token {name}", call("GET /ping", token=value))
SLASH = "Any URL that contains"
cases.add("a model called token", call("management GET /models/token", token="management"), differs=SLASH)
cases.add("a query about tokens", call("management GET /models?next_page_token=0", token="management"))
cases.add("renewing by another path", call("management GET /any/token?type=inference", token="API"), differs=SLASH)
for kind in ("", "inference", "management"):
    title = f"one address, the {kind} key" if kind else "one address, no token"
    for name, line in [("ping", "GET /ping"), ("models", "management GET /models")]:
        differs = "Tokens cannot work when" if kind == "management" else ""
        cases.add(f"{title}: {name}", call(line, token=kind), house="together guarded", differs=differs)

for name, line in [
    ("registering", "POST /models?url=echo_v2.mar"),
    ("registering nothing", "POST /models"),
    ("unregistering", "DELETE /models/echo"),
    ("unregistering an unknown model", "DELETE /models/nobody"),
    ("unregistering a version", "DELETE /models/echo/1.0"),
    ("scaling", "PUT /models/echo?min_worker=1&synchronous=true"),
    ("setting the default", "PUT /models/echo/1.0/set-default"),
    ("listing", "GET /models"),
    ("describing", "GET /models/echo"),
]:
    cases.add(f"model API off: {name}", call(f"management {line}", token="management"))
SECOND = "management POST /models?url=echo_v2.mar&initial_workers=0"
NO_SECOND = "management DELETE /models/echo/2.0"
for name, steps in [
    ("registering", (call(SECOND, token="management"), call(NO_SECOND, token="management", silent=True))),
    ("unregistering a version", (call(SECOND, token="management", silent=True), call(NO_SECOND, token="management"))),
    ("unregistering an unknown model", (call("management DELETE /models/nobody", token="management"),)),
]:
    cases.add(f"model API on: {name}", *steps, house="guarded model api")

EXPIRED = Until(call("GET /ping", token="inference"), lambda answer: answer.get("status") == 400)
cases.add("expired: ping", EXPIRED, call("GET /ping", token="inference"), house="closed")
cases.add("expired: models", EXPIRED, call("management GET /models", token="management"), house="closed")
cases.add(
    "expired: the key for keys", EXPIRED, call("management GET /token?type=inference", token="API"), house="closed"
)
cases.add("no metrics listener", call("metrics GET /metrics"), house="closed")
