"""HTTP itself: old and odd versions, several requests at once, what is malformed (spec 0.2, 0.3, 0.6)."""

from tests.conformance.case import Cases
from tests.conformance.raw import Raw, get, post

cases = Cases("wire", house="open")
ECHO = "/predictions/probe"
CHUNKED = "Transfer-Encoding: chunked"
STRICT = "What HTTP does not allow"
NOWHERE = "`OPTIONS *`"

for name, data in [
    ("no host", get()),
    ("a blank line first", b"\r\n" + get()),
    ("garbage", b"GARBAGE\r\n\r\n"),
    ("the first bytes of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    ("no version", b"GET /ping\r\n\r\n"),
    ("four words", get("/ping more")),
    ("no target", b"GET  HTTP/1.1\r\n\r\n"),
    ("a header without a colon", get("/ping", "nonsense")),
    ("a blank before a colon", get("/ping", "X-A : x")),
    ("a header without a name", get("/ping", ": x")),
    ("a zero byte in a header", get("/ping", "X-A: a\0b")),
    ("a byte above 127 in a header", get("/ping", "X-A: gr\u00fcn")),
    ("two lengths", post(ECHO, b"42", "Content-Length: 2", "Content-Length: 3")),
    ("an absurd length", post(ECHO, b"", "Content-Length: 99999999999999999999")),
    ("the extension of a chunk", post(ECHO, b"2;a=b\r\n42\r\n0\r\n\r\n", CHUNKED)),
    ("a trailer behind chunks", post(ECHO, b"2\r\n42\r\n0\r\nX-T: 1\r\n\r\n", CHUNKED)),
    ("a chunk without a size", post(ECHO, b"zz\r\n42\r\n0\r\n\r\n", CHUNKED)),
    ("an upgrade to websockets", get("/ping", "Upgrade: websocket", "Connection: Upgrade")),
    (
        "an upgrade to HTTP/2",
        get("/ping", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAM"),
    ),
    ("two slashes", get("//ping")),
    ("dots in a path", get("/x/../ping")),
    ("HTTP/1.0 that keeps its connection", get("/ping", "Connection: keep-alive", protocol="HTTP/1.0")),
]:
    cases.add(name, Raw(data))
cases.add("HEAD of ping", Raw(get(method="HEAD")))
SEVERAL = {"differs": "Of several", "unsteady": True}
cases.add("a good request before a bad one", Raw(get() + get("/nowhere"), 2), **SEVERAL)
cases.add("three predictions at once", Raw(post(ECHO, b"1") + post(ECHO, b"2") + post(ECHO, b"3"), 3), **SEVERAL)
cases.add("HTTP/1.0", Raw(get(protocol="HTTP/1.0")), differs="`Connection: close`")
cases.add("HTTP/1.0 with a body", Raw(post(ECHO, b"42", protocol="HTTP/1.0")), differs="`Connection: close`")
for name, data in [
    ("HTTP/1.2", get(protocol="HTTP/1.2")),
    ("http in small letters", get(protocol="http/1.1")),
    ("lines without a carriage return", b"GET /ping HTTP/1.1\nHost: x\n\n"),
    ("tabs in a request line", b"GET\t/ping\tHTTP/1.1\r\n\r\n"),
    ("a header over two lines", get("/ping", "X-A: a\r\n b")),
    ("brackets in a header's name", get("/ping", "X(A): b")),
    ("two hosts", get("/ping", "Host: a", "Host: b")),
    ("a length with a sign", post(ECHO, b"42", "Content-Length: +2")),
    ("a chunk that is too long", post(ECHO, b"2\r\n42x\r\n0\r\n\r\n", CHUNKED)),
    ("chunks twice", post(ECHO, b"2\r\n42\r\n0\r\n\r\n", "Transfer-Encoding: chunked, chunked")),
]:
    cases.add(name, Raw(data), differs=STRICT)
for name, data in [
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("a path without a slash", get("ping")),
    ("only a query", get("?x=1")),
]:
    cases.add(name, Raw(data), differs=NOWHERE)
