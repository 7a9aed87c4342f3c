"""Settings that change what is answered: envelopes, the inference protocol, decoding, allowed URLs, one address."""

from tests.conformance.calls import call
from tests.conformance.case import Cases

cases = Cases("settings", house="undecoded")
JSON = {"content_type": "application/json"}

cases.add("not decoded: JSON", call("POST /predictions/probe", b'{"a": 1}', **JSON))
cases.add("not decoded: text", call("POST /predictions/probe", b"text", content_type="text/plain"))
for name, url in [
    ("a URL that matches", "<files>/good/elsewhere.mar"),
    ("a URL that does not match", "<files>/bad/elsewhere.mar"),
    ("a URL that matches in part", "<files>/worse/good/elsewhere.mar"),
    ("a URL that matches and leaves", "<files>/good/../bad/elsewhere.mar"),
    ("a file URL", "file://<archives>/elsewhere.mar"),
    ("a URL in capitals that matches", "<files>/GOOD/elsewhere.mar"),
    ("a URL that redirects to one that matches", "<files>/good/moved-to-good/elsewhere.mar"),
    ("a URL that redirects to one that does not match", "<files>/good/moved-to-bad/elsewhere.mar"),
    ("a file in the store", "module.mar"),
]:
    cases.add(
        f"allowed URLs: {name}",
        call(f"management POST /models?url={url}&model_name=got&initial_workers=0"),
        call("management DELETE /models/got", silent=True),
        differs="A download is redirected" if "moved-to-bad" in url else "",
    )

for name, line in [
    ("the server", "GET /v2"),
    ("the server with a slash", "GET /v2/"),
    ("live", "GET /v2/health/live"),
    ("ready", "GET /v2/health/ready"),
    ("another health", "GET /v2/health/well"),
    ("no health", "GET /v2/health"),
    ("the server by POST", "POST /v2"),
    ("live by POST", "POST /v2/health/live"),
    ("a model", "GET /v2/models/probe"),
    ("a model's readiness", "GET /v2/models/probe/ready"),
    ("versions", "GET /v2/models/probe/versions/1.0/infer"),
    ("versions without a verb", "GET /v2/models/probe/versions/1.0"),
    ("versions of nobody", "GET /v2/models/nobody/versions/1.0/ready"),
    ("a long path", "GET /v2/models/probe/a/b/c"),
    ("on the management port", "management GET /v2"),
    ("its health on the management port", "management GET /v2/health/live"),
]:
    cases.add(f"inference protocol: {name}", call(line), house="oip")

INFER = {
    "id": "one",
    "inputs": [{"name": "in", "shape": [1, 2], "datatype": "FP32", "data": [1.5, 2.5]}],
}
TEXTS = {"inputs": [{"name": "in", "shape": [1], "datatype": "BYTES", "data": ["text"]}]}
cases.add("kservev2: numbers", call("POST /v2/models/probe/infer", INFER), house="oip")
cases.add(
    "kservev2: texts", call("POST /v2/models/probe/infer", TEXTS, show=lambda found: found["outputs"]), house="oip"
)
cases.add("kservev2: no inputs", call("POST /v2/models/probe/infer", {"id": "one"}), house="oip")
cases.add("kservev2: on predictions", call("POST /predictions/probe", INFER), house="oip")
cases.add("kservev2: no JSON", call("POST /predictions/probe", b"text", content_type="text/plain"), house="oip")

INSTANCES = {"instances": [{"a": 1}, {"b": [2]}]}
cases.add("kserve: instances", call("POST /v1/models/probe:predict", INSTANCES), house="kserve")
cases.add("kserve: on predictions", call("POST /predictions/probe", INSTANCES), house="kserve")
cases.add("kserve: explanations", call("POST /v1/models/probe:explain", INSTANCES), house="kserve")
cases.add("kserve: without a type", call("POST /v1/models/probe:predict", b'{"instances": [{"a": 1}]}'), house="kserve")
cases.add(
    "kserve: no instances", call("POST /v1/models/probe:predict", {"x": []}), house="kserve", differs="A KServe body"
)

for name, line in [
    ("ping", "GET /ping"),
    ("models", "management GET /models"),
    ("a model", "management GET /models/nobody"),
    ("invoke", "POST /models/probe/invoke"),
    ("metrics", "GET /metrics?name[]=nothing"),
    ("metrics on their own port", "metrics GET /metrics?name[]=nothing"),
    ("an unknown path", "GET /nowhere"),
    ("KServe readiness", "management GET /v1/models/probe"),
    ("KServe readiness of nobody", "management GET /v1/models/nobody"),
]:
    cases.add(f"one address: {name}", call(line), house="together")
cases.add(
    "one address: describe",
    call("management GET /models/probe", show=lambda found: found[0]["modelName"]),
    house="together",
)
cases.add("one address: scale", call("management PUT /models/probe?min_worker=1&synchronous=true"), house="together")
cases.add(
    "one address: a version",
    call("management GET /models/probe/1.0", show=lambda found: found[0]["modelName"]),
    house="together",
    differs="Inference and management on one address",
)
cases.add("one address: set-default", call("management PUT /models/probe/1.0/set-default"), house="together")
cases.add("one address: register", call("management POST /models?url=nobody.mar"), house="together")
