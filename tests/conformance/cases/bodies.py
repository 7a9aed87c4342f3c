"""What of a request's body reaches the handler, and as what (spec 1.3)."""

from tests.conformance.calls import call, form
from tests.conformance.case import Cases

cases = Cases("bodies")
PROBE = "POST /predictions/probe"
JSON = "application/json"

for name, body, content_type in [
    ("an object", b'{"a": [1, 2.5, null, true, "\xc3\xbc"]}', JSON),
    ("a list", b"[1, 2]", JSON),
    ("a number", b"42", JSON),
    ("a string", b'"text"', JSON),
    ("null", b"null", JSON),
    ("with a charset", b'{"a": 1}', f"{JSON}; charset=utf-8"),
    ("with a charset and no blank", b'{"a": 1}', f"{JSON};charset=utf-8"),
    ("broken", b'{"a": ', JSON),
    ("empty", b"", JSON),
    ("not UTF-8", b'{"a": "\xff"}', JSON),
    ("with NaN", b"[NaN, Infinity]", JSON),
    ("with a byte order mark", b"\xef\xbb\xbf[1]", JSON),
    ("with a large number", b"123456789012345678901234567890", JSON),
    ("with a repeated key", b'{"a": 1, "a": 2}', JSON),
    ("in another case", b'{"a": 1}', "Application/JSON"),
    ("of a vendor", b'{"a": 1}', "application/vnd.api+json"),
]:
    cases.add(f"JSON {name}", call(PROBE, body, content_type=content_type))

for name, body, content_type in [
    ("text", b"a text", "text/plain"),
    ("text with a charset", "grün".encode(), "text/plain; charset=utf-8"),
    ("text that is not UTF-8", b"gr\xfcn", "text/plain"),
    ("text in capitals", b"a text", "TEXT/PLAIN"),
    ("text of another kind", b"a,b", "text/csv"),
    ("text that begins so", b"a text", "textual"),
    ("bytes", b"\x00\x01\xff", "application/octet-stream"),
    ("an image", b"\x89PNG\r\n", "image/png"),
    ("no type", b"42", ""),
    ("an unknown type", b"42", "nonsense"),
    ("an empty body with a type", b"", "text/plain"),
]:
    cases.add(name, call(PROBE, body, content_type=content_type))

for method in ("GET", "PUT", "DELETE", "PATCH"):
    cases.add(f"{method} without a body", call(f"{method} /predictions/probe"))
cases.add("POST without a body", call(PROBE))
cases.add("GET with a body", call("GET /predictions/probe", b"42"))
UNKNOWN = "An unknown method name"
cases.add("an unknown method", call("BREW /predictions/probe", b"42"), differs=UNKNOWN)
cases.add("a method in small letters", call("post /predictions/probe", b"42"), differs=UNKNOWN)
cases.add("HEAD", call("HEAD /predictions/probe"))

URLENCODED = "application/x-www-form-urlencoded"
for name, body in [
    ("one field", b"data=42"),
    ("two fields", b"data=42&more=x+y%21"),
    ("a repeated field", b"data=1&data=2"),
    ("a field without a value", b"data="),
    ("a text without =", b'{"a": 1}'),
    ("a field without = before another", b"first&data=1"),
    ("no fields", b""),
    ("bytes in a field", b"data=%ff%00"),
    ("an umlaut in a name", b"gr%C3%BCn=1"),
    ("blanks", b"a b=c d"),
    ("a semicolon", b"a=1;b=2"),
]:
    cases.add(f"urlencoded: {name}", call(PROBE, body, content_type=URLENCODED))
cases.add(
    "urlencoded: a broken escape",
    call(PROBE, b"a=%zz&b=1", content_type=URLENCODED),
    differs="A broken escape",
)
cases.add(
    "urlencoded: empty fields",
    call(PROBE, b"&&a=1&&b=2&", content_type=URLENCODED),
    differs="Multipart part without a name",
)
cases.add(
    "JSON with a blank behind its type",
    call(PROBE, b"[1]", content_type=f"{JSON} ; charset=utf-8"),
    differs="A blank between a content type",
)
for method in ("GET", "PUT", "DELETE"):
    cases.add(f"a form by {method}", call(f"{method} /predictions/probe", b"a=b", content_type=URLENCODED))
cases.add(
    "urlencoded: a field without a name",
    call(PROBE, b"=1", content_type=URLENCODED),
    differs="Multipart part without a name",
)
cases.add("urlencoded with a charset", call(PROBE, b"data=42", content_type=f"{URLENCODED}; charset=utf-8"))
cases.add("urlencoded in capitals", call(PROBE, b"data=42", content_type="APPLICATION/X-WWW-FORM-URLENCODED"))

FILE = "a.txt; application/octet-stream"
for name, parts in [
    ("a file", (("data", FILE, b"\x00\x01 raw"),)),
    ("a JSON file", (("data", "a.json; application/json", b'{"a": 1}'),)),
    ("a text file", (("data", "a.txt; text/plain", b"a text"),)),
    ("a text file with a charset", (("data", "a.txt; text/plain; charset=utf-8", "grün".encode()),)),
    ("a file without a type", (("data", "a.bin", b"raw"),)),
    ("a field", (("data", "", b"42"),)),
    ("a field with JSON in it", (("data", "", b'{"a": 1}'),)),
    ("two files and a field", (("a", FILE, b"1"), ("b", "b.json; application/json", b"[2]"), ("c", "", b"3"))),
    ("two parts of one name", (("data", FILE, b"first"), ("data", FILE, b"second"))),
    ("a field and a file of one name", (("data", "", b"field"), ("data", "a.txt; text/plain", b"file"))),
    ("an empty file", (("data", FILE, b""),)),
    ("an empty field", (("data", "", b""),)),
    ("an umlaut in a name", (("gr\u00fcn", "", b"1"),)),
    ("a line break in a value", (("data", "", b"one\r\ntwo"),)),
]:
    body, content_type = form(*parts)
    cases.add(f"multipart: {name}", call(PROBE, body, content_type=content_type))

body, content_type = form(("data", FILE, b"raw"))
encoded = body.replace(b"\r\n\r\nraw", b"\r\nContent-Transfer-Encoding: base64\r\n\r\ncmF3")
cases.add(
    "multipart: a preamble",
    call(PROBE, b"preamble\r\n" + body, content_type=content_type),
    differs="Multipart with a preamble",
)
cases.add("multipart: an epilogue", call(PROBE, body + b"epilogue", content_type=content_type))
cases.add("multipart without a boundary", call(PROBE, body, content_type="multipart/form-data"))
cases.add(
    "multipart with a quoted boundary", call(PROBE, body, content_type='multipart/form-data; boundary="frontier"')
)
cases.add("multipart with another boundary", call(PROBE, body, content_type="multipart/form-data; boundary=other"))
cases.add("multipart without parts", call(PROBE, b"", content_type=content_type))
cases.add("multipart in capitals", call(PROBE, body, content_type="MULTIPART/FORM-DATA; boundary=frontier"))
cases.add("multipart of another kind", call(PROBE, body, content_type="multipart/mixed; boundary=frontier"))
cases.add(
    "multipart that breaks off",
    call(PROBE, form(("data", FILE, b"raw"), end=False)[0], content_type=content_type),
)
cases.add(
    "multipart: a part without a name",
    call(PROBE, body.replace(b'name="data"; ', b""), content_type=content_type),
    differs="Multipart part without a name",
)
cases.add(
    "multipart: a part with an empty name",
    call(PROBE, body.replace(b'name="data"', b'name=""'), content_type=content_type),
    differs="Multipart part without a name",
)
cases.add(
    "multipart: a transfer encoding",
    call(
        PROBE,
        encoded,
        content_type=content_type,
    ),
    differs="Multipart part without a name",
)
cases.add(
    "multipart: a plain transfer encoding",
    call(
        PROBE,
        encoded.replace(b"base64", b"binary"),
        content_type=content_type,
    ),
)

CHUNKS = b"3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n"
CHUNKED = {"Transfer-Encoding": "chunked"}
cases.add("a chunked body", call(PROBE, CHUNKS, content_type=JSON, headers=CHUNKED))
cases.add(
    "a body after leave was given",
    call(PROBE, b"42", content_type=JSON, headers={"Expect": "100-continue"}),
)
cases.add(
    "a compressed body stays compressed",
    call(PROBE, b"\x1f\x8b\x08\x00", content_type=JSON, headers={"Content-Encoding": "gzip"}),
)
cases.add("query parameters stay outside", call(f"{PROBE}?data=1&x=y", b"42"))
