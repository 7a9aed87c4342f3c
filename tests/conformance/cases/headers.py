"""Request headers as the handler sees them, and headers of every answer (spec 0.3, 1.3, 1.6)."""

from tests.conformance.calls import call, form
from tests.conformance.case import Cases

cases = Cases("headers")
JSON = "application/json"
OWN = {"X-Own": "one", "x-lower": "two", "Accept": "*/*"}

for name, line in [
    ("predictions", "POST /predictions/headers"),
    ("a version", "POST /predictions/headers/1.0"),
    ("a url_path", "POST /predictions/headers/1.0/v1/chat/completions"),
    ("a url_path with a slash at its end", "POST /predictions/headers/1.0/v1/chat/"),
    ("an encoded url_path", "POST /predictions/headers/1.0/a%20b/c%2Fd"),
    ("a url_path with a query", "POST /predictions/headers/1.0/v1?x=1"),
    ("a url_path with empty parts", "POST /predictions/headers/1.0/a//b"),
    ("explanations", "POST /explanations/headers"),
    ("explanations with a url_path", "POST /explanations/headers/1.0/more"),
    ("KServe v1", "POST /v1/models/headers:predict"),
    ("KServe v1 explain", "POST /v1/models/headers:explain"),
    ("KServe v2", "POST /v2/models/headers/infer"),
    ("KServe v2 explain", "POST /v2/models/headers/explain"),
    ("SageMaker's model", "POST /models/headers/invoke?x=1"),
    ("invocations", "POST /invocations?model_name=headers"),
    ("the oldest form", "POST /headers/predict"),
]:
    cases.add(f"seen by {name}", call(line, b"[1]", content_type=JSON, headers=OWN))

TEXT = {"content_type": "text/plain"}
POST = "POST /predictions/headers"
cases.add("without a body", call("GET /predictions/headers"))
cases.add("with an empty body", call(POST, b""))
cases.add("of a chunked body", call(POST, b"1\r\n7\r\n0\r\n\r\n", headers={"Transfer-Encoding": "chunked"}, **TEXT))
LOOKUPS = "Header look-ups"
cases.add("names in small letters", call(POST, b"7", headers={"x-own": "lower"}, **TEXT), differs=LOOKUPS)
cases.add("names in capitals", call(POST, b"7", headers={"X-OWN": "upper"}, **TEXT), differs=LOOKUPS)
cases.add(
    "two names that differ in case",
    call(POST, b"7", headers={"X-Own": "1", "x-own": "2"}, **TEXT),
    differs="Two request headers",
)
cases.add("an empty value", call(POST, b"7", headers={"X-Own": ""}, **TEXT))
cases.add("blanks around a value", call(POST, b"7", headers={"X-Own": "  a  b  "}, **TEXT))
cases.add("the client's own explain", call(POST, b"7", headers={"explain": "True"}, **TEXT))
cases.add("the client's own Explain", call(POST, b"7", headers={"Explain": "True"}, **TEXT))
cases.add("the client's own url_path", call(POST, b"7", headers={"url_path": "mine"}, **TEXT))
cases.add("the client's own describe", call(POST, b"7", headers={"describe": "True"}, **TEXT))
cases.add("the client's own request id", call(POST, b"7", headers={"x-request-id": "mine"}, **TEXT))
cases.add("a sequence id", call(POST, b"7", headers={"ts_request_sequence_id": "s1"}, **TEXT))
cases.add("a content type with parameters", call(POST, b"7", content_type="text/plain; charset=latin-1; x=y"))
cases.add("cookies", call(POST, b"7", headers={"Cookie": "a=1; b=2", "Authorization": "Basic abc"}, **TEXT))

body, content_type = form(("data", "a.json; application/json", b"1"), ("note", "", b"x"))
cases.add("of multipart", call(POST, body, content_type=content_type))
cases.add("of a form", call(POST, b"data=1&note=x", content_type="application/x-www-form-urlencoded"))
cases.add(
    "a parameter named as a header",
    call(POST, form(("X-Own", "a.txt; text/plain", b"1"))[0], content_type=content_type, headers=OWN),
)

for name, line in [
    ("an answer", "GET /ping"),
    ("a failure", "GET /nowhere"),
    ("management", "management GET /models"),
    ("metrics", "metrics GET /metrics?name[]=nothing"),
]:
    differs = "" if name == "a failure" else "`Connection: close`"
    cases.add(f"of {name}, although the client closes", call(line, headers={"Connection": "close"}), differs=differs)
cases.add("an old version of HTTP", call("GET /ping", headers={"X-Own": "1"}))
