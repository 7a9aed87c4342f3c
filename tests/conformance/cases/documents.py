"""OpenAPI documents and what OPTIONS answers (spec 0.2, 1.8)."""

from typing import Any

from tests.conformance.calls import call
from tests.conformance.case import Cases

cases = Cases("documents")

DIFFERS = "`OPTIONS /` describes some paths"


def head(document: Any) -> Any:
    """What tools look at first: version and title, but not the server's own version."""
    return [document["openapi"], document["info"]["title"]]


NAMES = "apiDescription ping predictions version_predictions listModels registerModel describeModel metrics setDefault"
NAMES += " version_describeModel setAutoScale version_setAutoScale unregisterModel version_unregisterModel"


def operations(document: Any) -> Any:
    """Where the operations answer that clients are generated from; the other paths are tsnb's own affair."""
    every = [(each["operationId"], path) for path, item in document["paths"].items() for each in item.values()]
    return dict(sorted((name, path) for name, path in every if name in NAMES.split()))


def names_one(document: Any) -> Any:
    return [document["info"], document["openapi"]]


for listener in ("inference", "management", "metrics"):
    cases.add(f"OPTIONS of {listener}", call(f"{listener} OPTIONS /", show=head))
    cases.add(f"operations of {listener}", call(f"{listener} OPTIONS /", show=operations), differs=DIFFERS)
    cases.add(f"the description of {listener}", call(f"{listener} GET /api-description", show=head))
    cases.add(f"the description of {listener} by POST", call(f"{listener} POST /api-description", show=head))
    cases.add(f"GET of {listener}'s root", call(f"{listener} GET /"))
cases.add("OPTIONS of the root without a slash", call("OPTIONS /?x=1", show=head))
for name, line in [
    ("a model", "OPTIONS /predictions/probe"),
    ("a version", "OPTIONS /predictions/probe/1.0"),
    ("explanations", "OPTIONS /explanations/probe"),
    ("a model of management", "management OPTIONS /models/probe"),
    ("a version of management", "management OPTIONS /models/probe/1.0"),
]:
    cases.add(f"OPTIONS of {name}", call(line, show=names_one))
for name, line in [
    ("an unknown model", "OPTIONS /predictions/nobody"),
    ("an unknown version", "OPTIONS /predictions/probe/9"),
    ("an unknown model of management", "management OPTIONS /models/nobody"),
    ("an unknown version of management", "management OPTIONS /models/probe/9"),
    ("all models of management", "management OPTIONS /models"),
    ("an unknown path", "OPTIONS /nowhere"),
    ("an unknown path of management", "management OPTIONS /nowhere"),
]:
    cases.add(f"OPTIONS of {name}", call(line))
for name, line in [
    ("KServe v1", "OPTIONS /v1/models/probe:predict"),
    ("KServe v2", "OPTIONS /v2/models/probe/infer"),
    ("SageMaker's model", "OPTIONS /models/probe/invoke"),
    ("invocations", "OPTIONS /invocations?model_name=probe"),
    ("the oldest form", "OPTIONS /probe/predict"),
]:
    cases.add(f"OPTIONS of {name}", call(line, show=names_one))
