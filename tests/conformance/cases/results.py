"""What a handler returns, sets or raises, as the client sees it (spec 1.4)."""

import io

from tests.conformance.calls import call
from tests.conformance.case import Cases

cases = Cases("results")


def tensor(shown: str) -> object:
    """A saved tensor as a list: the bytes around it differ between versions of torch."""
    import torch

    return torch.load(io.BytesIO(bytes.fromhex(shown.removeprefix("hex:")))).tolist()


for asked in [
    *("bytes", "bytearray", "text", "empty text", "empty bytes", "dict", "list", "empty list", "empty dict", "integer"),
    *("float", "true", "none", "nan", "infinity", "tuple", "keys", "set", "object", "tensor in a list"),
    *("tensor in a dict", "two results", "no results", "no list", "a tuple", "a dict", "nothing", "a tensor"),
    *("raise", "key error", "system exit", "memory", "cuda", "cuda in text", "exception"),
    *("status 201", "status 204", "status 404", "status 418", "status 500", "status 503", "status 599"),
    *("status for all", "header", "header cors", "header request id", "header cache", "type json", "type text"),
    *("type image", "exception 201", "exception 400", "exception 401", "exception 403"),
    *("exception 404", "exception 408", "exception 409", "exception 413", "exception 416", "exception 429"),
    *("exception 499", "exception 500", "exception 501", "exception 503", "exception 504", "exception 507"),
    *("exception 513", "exception 599", "exception 200", "exception 302", "header length"),
    *("header unicode", "unicode surrogate"),
]:
    cases.add(asked, call("POST /predictions/results", asked, content_type="text/plain"))
for asked in ("status 600", "header line break"):
    cases.add(
        asked,
        call("POST /predictions/results", asked, content_type="text/plain"),
        differs="A handler may set any response status",
    )

cases.add("tensor", call("POST /predictions/results", "tensor", content_type="text/plain", show=tensor))
