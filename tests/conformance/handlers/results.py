"""Returns, sets or raises what the text of the request says: one entry of the table below."""

import torch
from ts.utils.util import PredictionException


def handle(data, context):
    if data is None:
        return None
    return ACTIONS[data[0].get("body") or ""](context)


def fail(error):
    raise error


def status(code, phrase="", value="a body"):
    def act(context):
        context.set_response_status(code, phrase, 0)
        return [value]

    return act


def headers(**pairs):
    def act(context):
        for name, value in pairs.items():
            context.set_response_header(0, name.replace("_", "-"), value)
        return ["a body"]

    return act


def content_type(value, result):
    def act(context):
        context.set_response_content_type(0, value)
        return [result]

    return act


def everyone(context):
    context.set_all_response_status(202, "Taken")
    return ["a body"]


ACTIONS = {
    "": lambda context: ["nothing asked"],
    "bytes": lambda context: [b"\x00\xff raw"],
    "bytearray": lambda context: [bytearray(b"an array")],
    "text": lambda context: ["grüße\n"],
    "empty text": lambda context: [""],
    "empty bytes": lambda context: [b""],
    "dict": lambda context: [{"b": 1, "a": [1.5, None, True], "ü": "é"}],
    "list": lambda context: [[1, [2, 3]]],
    "empty list": lambda context: [[]],
    "empty dict": lambda context: [{}],
    "integer": lambda context: [7],
    "float": lambda context: [0.1],
    "true": lambda context: [True],
    "none": lambda context: [None],
    "nan": lambda context: [float("nan")],
    "infinity": lambda context: [[float("inf"), float("-inf")]],
    "tuple": lambda context: [(1, "two")],
    "keys": lambda context: [{1: "one", None: "none", 2.5: "half"}],
    "set": lambda context: [{1, 2}],
    "object": lambda context: [object()],
    "tensor": lambda context: [torch.arange(3)],
    "tensor in a list": lambda context: [[torch.arange(3)]],
    "tensor in a dict": lambda context: [{"t": torch.ones(1)}],
    "two results": lambda context: ["a", "b"],
    "no results": lambda context: [],
    "no list": lambda context: "text",
    "a tuple": lambda context: ("a",),
    "a dict": lambda context: {"a": 1},
    "nothing": lambda context: None,
    "a tensor": lambda context: torch.ones(1),
    "raise": lambda context: fail(ValueError("the number 7")),
    "key error": lambda context: fail(KeyError("data")),
    "system exit": lambda context: fail(NotImplementedError()),
    "memory": lambda context: fail(MemoryError("no more")),
    "cuda": lambda context: fail(RuntimeError("CUDA error: out of memory")),
    "cuda in text": lambda context: fail(ValueError("not about CUDA at all")),
    "exception": lambda context: fail(PredictionException("a message of mine")),
    "status 201": status(201, "Made"),
    "status 204": status(204, "", ""),
    "status 404": status(404, "Not Here", {"error": "mine"}),
    "status 418": status(418, "Teapot"),
    "status 500": status(500, ""),
    "status 503": status(503, "Later"),
    "status 599": status(599, "Odd"),
    "status 600": status(600, "Odder"),
    "status for all": everyone,
    "header": headers(X_Mine="value one", x_lower="two"),
    "header request id": headers(x_request_id="mine"),
    "header cache": headers(Cache_Control="max-age=9", Pragma="mine", Expires="never"),
    "header cors": headers(Access_Control_Allow_Origin="https://mine.example"),
    "header length": headers(Content_Length="3"),
    "header unicode": headers(X_Mine="grün"),
    "header line break": headers(X_Mine="a\r\nX-Smuggled: b"),
    "type json": content_type("application/json", {"a": 1}),
    "type text": content_type("text/plain; charset=utf-8", "text"),
    "type image": content_type("image/png", b"\x89PNG"),
    "long": lambda context: ["x" * 4500],
    "too long": lambda context: ["x" * 6000],
    "unicode surrogate": lambda context: [{"s": "\ud800"}],
}
for code in (200, 201, 302, 400, 401, 403, 404, 408, 409, 413, 416, 429, 499, 500, 501, 503, 504, 507, 513, 599):
    ACTIONS[f"exception {code}"] = lambda context, code=code: fail(PredictionException(f"code {code}", code))
