"""Sizes, cross-origin headers and default timeouts (spec 0.3, 0.6, 8.2); ``limits`` sets them all."""

from typing import Any

from tests.conformance.calls import call, form
from tests.conformance.case import Cases
from tests.conformance.steps import ready


def shown(answer: Any) -> Any:
    """A long text as its length."""
    return len(answer) if isinstance(answer, str) and len(answer) > 1000 else answer


cases = Cases("limits", house="limits")
PROBE = "POST /predictions/probe"
RESULTS = "POST /predictions/results"
TEXT = {"content_type": "text/plain"}
LARGE = "A body over `max_request_size`"
TIMEOUTS = "Beside a model-config.yaml"

cases.add("a body of just the limit", call(PROBE, "x" * 2000, **TEXT, show=len))
cases.add("a body over the limit", call(PROBE, "x" * 2001, **TEXT), differs=LARGE)
cases.add("a body far over the limit", call(PROBE, "x" * 200_000, **TEXT), differs=LARGE)
cases.add("a body over the limit for nobody", call("POST /nowhere", "x" * 2001, **TEXT), differs=LARGE)
cases.add(
    "a body over the limit on the management port", call("management POST /models", "x" * 2001, **TEXT), differs=LARGE
)
chunks = b"3e8\r\n" + b"x" * 1000 + b"\r\n"
CHUNKED = {"Transfer-Encoding": "chunked"}
cases.add("chunks of just the limit", call(PROBE, chunks * 2 + b"0\r\n\r\n", headers=CHUNKED, **TEXT, show=len))
cases.add("chunks over the limit", call(PROBE, chunks * 3 + b"0\r\n\r\n", headers=CHUNKED, **TEXT), differs=LARGE)
body, content_type = form(("data", "a.bin; application/octet-stream", b"x" * 2001))
cases.add("multipart over the limit", call(PROBE, body, content_type=content_type), differs=LARGE)
cases.add(
    "leave for a body over the limit",
    call(PROBE, "x" * 2001, headers={"Expect": "100-continue"}, **TEXT),
    differs=LARGE,
)

form_type = "application/x-www-form-urlencoded"
cases.add("a form of just the limit", call(PROBE, "a=" + "x" * 1998, content_type=form_type, show=len))
cases.add("a form over the limit", call(PROBE, "a=" + "x" * 1999, content_type=form_type), differs=LARGE)
HEADS = "A request line over 4096 bytes"
cases.add("a short request line", call("GET /ping?" + "x" * 3900))
cases.add("a long request line", call("GET /ping?" + "x" * 5000), differs=HEADS)
cases.add("a request line that is too long", call("GET /ping?" + "x" * 20_000), differs=HEADS)
cases.add("a large header", call("GET /ping", headers={"X-A": "x" * 7000}))
cases.add("a larger header", call("GET /ping", headers={"X-A": "x" * 9000}), differs=HEADS)
cases.add("many headers", call("GET /ping", headers={f"X-{n}": "y" * 30 for n in range(300)}), differs=HEADS)
FRAMING = "`Content-Length` beside `Transfer-Encoding`"
cases.add(
    "a length beside chunks",
    call(PROBE, b"2\r\n42\r\n0\r\n\r\n", headers={**CHUNKED, "Content-Length": "3"}, **TEXT),
    differs=FRAMING,
)
cases.add("a negative length", call(PROBE, headers={"Content-Length": "-1"}), differs=FRAMING)
cases.add("a length that is no number", call(PROBE, headers={"Content-Length": "x"}))
cases.add(
    "another transfer encoding",
    call(PROBE, b"2\r\n42\r\n0\r\n\r\n", headers={"Transfer-Encoding": "gzip, chunked"}, **TEXT),
    differs=FRAMING,
)
cases.add("another expectation", call(PROBE, b"42", headers={"Expect": "miracles"}), differs=LARGE)

cases.add("an answer within the limit", call(RESULTS, "long", **TEXT, show=len))
cases.add("an answer over the limit", call(RESULTS, "too long", **TEXT))
cases.add("cross-origin headers of an error", call("GET /nowhere"))
cases.add("cross-origin headers of management", call("management GET /nowhere"))
cases.add("cross-origin headers of metrics", call("metrics GET /metrics?name[]=nothing"))
cases.add("cross-origin headers that the handler set", call(RESULTS, "header cors", **TEXT))
cases.add(
    "a browser's question beforehand",
    call("OPTIONS /predictions/probe", show=lambda found: found["openapi"], headers={"Origin": "https://example.org"}),
)


ASKS = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
for line in ("OPTIONS /predictions/probe", "management OPTIONS /models"):
    cases.add(
        f"a browser's whole question: {line}", call(line, headers=ASKS, show=shown), differs="A browser's preflight"
    )

for size in (5000, 5001):
    cases.add(
        f"an answer of {size}", call("POST /predictions/sizes", f"give {size}", **TEXT, show=shown), ready("sizes")
    )
    cases.add(f"a part of {size}", call("POST /predictions/sizes", f"part {size}", **TEXT), ready("sizes"))

DEFAULT = 6553500
ADD = call("management POST /models?url=sizes.mar&initial_workers=1", silent=True)
REMOVE = call("management DELETE /models/sizes", silent=True)
FILE = "a.bin; application/octet-stream"
AROUND = len(form(("data", FILE, b""))[0])
for more in (0, 1):
    size, name = DEFAULT + more, "one more than the default limit" if more else "just the default limit"
    text = call("POST /predictions/sizes", "x" * size, **TEXT)
    cases.add(f"a body of {name}", ADD, text, REMOVE, house="managed", differs=LARGE if more else "")
    answer = call("POST /predictions/sizes", f"give {size}", **TEXT, show=shown)
    cases.add(f"an answer of {name}", ADD, answer, REMOVE, house="managed")
    body, content_type = form(("data", FILE, b"x" * (size - AROUND)))
    parts = call("POST /predictions/sizes", body, content_type=content_type)
    cases.add(f"a form of {name}", ADD, parts, REMOVE, house="managed", differs=LARGE if more else "")


def limits(found: Any) -> Any:
    return {key: found[0][key] for key in ("responseTimeout", "startupTimeout", "jobQueueStatus", "minWorkers")}


cases.add("default timeouts and queue size", call("management GET /models/probe", show=limits))
cases.add(
    "default timeouts of a registered model",
    call("management POST /models?url=stored.mar&initial_workers=0", silent=True),
    call("management GET /models/stored", show=limits),
    call("management DELETE /models/stored", silent=True),
)
cases.add(
    "default timeouts beside a model-config.yaml",
    call("management POST /models?url=timeouts_only.mar&initial_workers=0", silent=True),
    call("management GET /models/timeouts_only", show=limits),
    call("management DELETE /models/timeouts_only", silent=True),
    differs=TIMEOUTS,
)
