"""Which path runs which model, and what the handler sees: versions, KServe, SageMaker, the old forms (spec 1.1)."""

from tests.conformance.calls import call
from tests.conformance.case import Cases

cases = Cases("routes")

for name, line in [
    ("ping", "GET /ping"),
    ("ping by POST", "POST /ping"),
    ("ping by DELETE", "DELETE /ping"),
    ("ping and more", "GET /ping/more"),
    ("ping with a slash", "GET /ping/"),
    ("ping with a query", "GET /ping?x=1"),
    ("ping in capitals", "GET /PING"),
    ("OPTIONS of ping", "OPTIONS /ping"),
    ("the root by GET", "GET /"),
    ("the root by POST", "POST /"),
    ("an unknown path", "GET /nowhere"),
    ("an unknown deep path", "GET /a/b/c/d/e"),
    ("predictions of nothing", "GET /predictions"),
    ("predictions of nothing, with a slash", "POST /predictions/"),
    ("explanations of nothing", "GET /explanations"),
    ("an unknown model", "POST /predictions/nobody"),
    ("an unknown version", "POST /predictions/probe/9"),
    ("an unknown version with more", "POST /predictions/probe/9/more"),
    ("explanations of an unknown model", "POST /explanations/nobody"),
    ("a known version", "POST /predictions/probe/1.0"),
    ("a slash at the end", "POST /predictions/probe/"),
    ("a slash after the version", "POST /predictions/probe/1.0/"),
    ("two slashes", "POST //predictions/probe"),
    ("a model in capitals", "POST /predictions/PROBE"),
    ("predictions in capitals", "POST /PREDICTIONS/probe"),
    ("an encoded model", "POST /predictions/%70robe"),
    ("a model with a blank", "POST /predictions/pro%20be"),
    ("a model that is two dots", "POST /predictions/.."),
    ("a model with an umlaut", "POST /predictions/gr%C3%BCn"),
    ("KServe v1", "POST /v1/models/probe:predict"),
    ("KServe v1 by GET", "GET /v1/models/probe:predict"),
    ("KServe v1 of an unknown model", "POST /v1/models/nobody:predict"),
    ("KServe v1 explain", "POST /v1/models/probe:explain"),
    ("KServe v1 of another verb", "POST /v1/models/probe:look"),
    ("KServe v1 without a verb", "POST /v1/models/probe"),
    ("KServe v1 list", "GET /v1/models"),
    ("KServe v2", "POST /v2/models/probe/infer"),
    ("KServe v2 explain", "POST /v2/models/probe/explain"),
    ("KServe v2 of an unknown model", "POST /v2/models/nobody/infer"),
    ("KServe v2 of another verb", "POST /v2/models/probe/look"),
    ("KServe v2 with a version", "POST /v2/models/probe/versions/1.0/infer"),
    ("KServe v2 metadata", "GET /v2/models/probe"),
    ("KServe v2 readiness", "GET /v2/models/probe/ready"),
    ("the inference protocol, switched off", "GET /v2"),
    ("the inference protocol's health, switched off", "GET /v2/health/live"),
    ("the oldest form", "POST /probe/predict"),
    ("the oldest form with a version", "POST /probe/1.0/predict"),
    ("the oldest form with an unknown version", "POST /probe/3/predict"),
    ("the oldest form of an unknown model", "POST /nobody/predict"),
    ("the oldest form by GET", "GET /probe/predict?x=1"),
    ("an unknown verb", "POST /probe/look"),
    ("SageMaker's model", "POST /models/probe/invoke"),
    ("SageMaker's model by GET", "GET /models/probe/invoke?x=1"),
    ("SageMaker's unknown model", "POST /models/nobody/invoke"),
    ("SageMaker's model with another verb", "POST /models/probe/look"),
    ("models on the inference port", "GET /models"),
    ("one model on the inference port", "GET /models/probe"),
    ("metrics on the inference port", "GET /metrics"),
    ("an unknown workflow", "POST /wfpredict/nobody"),
]:
    cases.add(name, call(line, b"42" if line.startswith("POST") else None))

for name, line in [
    ("a version that is empty", "POST /predictions/probe//1.0"),
    ("two empty versions", "POST /predictions/probe//"),
    ("an encoded version", "POST /predictions/probe/1%2E0"),
    ("an encoded word of ours", "POST /%70redictions/probe"),
    ("an encoded colon", "POST /v1/models/probe%3Apredict"),
    ("a plus in a model", "POST /predictions/pro+be"),
    ("a fragment", "POST /predictions/probe#more"),
    ("a fragment after a query", "POST /models/probe/invoke?a=1#b=2"),
    ("semicolons in a query", "POST /models/probe/invoke?a=1;b=2&c=3"),
    ("a workflow in capitals", "POST /WFPREDICT/nobody"),
    ("a workflow without a name", "POST /wfpredict"),
    ("invocations with more", "POST /invocations/more?model_name=probe"),
    ("KServe v1 of a model without a name", "POST /v1/models/:predict"),
    ("KServe v2 with more", "POST /v2/models/probe/infer/more"),
    ("the description with more", "GET /api-description/more"),
    ("metrics by OPTIONS", "metrics OPTIONS /metrics?name[]=nothing"),
    ("metrics by POST", "metrics POST /metrics?name[]=nothing"),
    ("metrics and more", "metrics GET /metrics/more?name[]=nothing"),
    ("ping on the metrics port", "metrics GET /ping"),
]:
    cases.add(name, call(line, b"42" if line.startswith("POST") else None))
for method in ("TRACE", "CONNECT"):
    cases.add(f"{method} of a model", call(f"{method} /predictions/probe"), differs="An unknown method name")
cases.add("bytes above 127 in a path", call("POST /predictions/gr\u00fcn", b"42"), differs="Bytes above 127")
cases.add("two colons of KServe v1", call("POST /v1/models/probe:predict:predict", b"42"), differs="A model whose name")
cases.add("a broken escape in a query", call("POST /models/probe/invoke?d=%zz", b"42"), differs="A broken escape")
cases.add("a whole URL", call("GET http://localhost/ping"))
cases.add("OPTIONS of everything", call("OPTIONS *"), differs="`OPTIONS *`")
cases.add("an encoded slash", call("POST /predictions%2Fprobe", b"42"), differs="An encoded slash")
cases.add("a broken escape", call("POST /predictions/%zz", b"42"), differs="A broken escape")

QUERY = "?x=1&y=two%20words&x=3&data=query"
for name, path in [
    ("the oldest form", "/probe/predict"),
    ("SageMaker's model", "/models/probe/invoke"),
    ("invocations", "/invocations"),
    ("predictions", "/predictions/probe"),
    ("KServe v1", "/v1/models/probe:predict"),
    ("KServe v2", "/v2/models/probe/infer"),
    ("explanations", "/explanations/probe"),
]:
    query = f"{QUERY}&model_name=probe" if name == "invocations" else QUERY
    cases.add(f"a query on {name}", call(f"POST {path}{query}", b"data=body&z=4", content_type="text/plain"))
    form = "application/x-www-form-urlencoded"
    cases.add(f"a query and a form on {name}", call(f"POST {path}{query}", b"data=body&z=4", content_type=form))

cases.add("invocations without a model", call("POST /invocations", b"42"))
cases.add("invocations of an unknown model", call("POST /invocations?model_name=nobody", b"42"))
cases.add("invocations with an empty name", call("POST /invocations?model_name=", b"42"))
cases.add(
    "invocations with the name in a form",
    call("POST /invocations", b"model_name=probe&a=1", content_type="application/x-www-form-urlencoded"),
)
cases.add("invocations with one model at startup", call("POST /invocations", b"42"), house="together")
cases.add(
    "invocations with one model at startup and another name",
    call("POST /invocations?model_name=nobody", b"42"),
    house="together",
)
