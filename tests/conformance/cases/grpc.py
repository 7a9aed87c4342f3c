"""Inference, management and the Open Inference Protocol over gRPC (spec 4)."""

from typing import Any

from tests.conformance.calls import call
from tests.conformance.case import Cases
from tests.conformance.rpc import Rpc, Talk, predict, rpc
from tests.conformance.steps import Until

cases = Cases("grpc", house="grpc")
NAMED = "`sequence_id` counts in"
ONE = "`StreamPredictions` of a handler"
FIRST = "`Predictions` of a handler that streams"
STREAM2 = "`StreamPredictions2` ends with UNKNOWN"
ENDS = "Requests of `StreamPredictions2` say"


def orders(order: str, **more: Any) -> Rpc:
    return predict("orders", order, **more)


def alone(*steps: Any, archive: str = "orders") -> tuple[Any, ...]:
    """Steps with a model of their own, ``lone``: TorchServe's worker does not survive them, or is of no use after."""
    come = call(f"management POST /models?url={archive}.mar&model_name=lone&initial_workers=1", silent=True)
    return come, *steps, call("management DELETE /models/lone", silent=True)


# --- inference ------------------------------------------------------------------------------------

cases.add("ping", rpc("inference.Ping"))
UNHEALTHY = Until(call("GET /ping"), lambda answer: answer.get("status") == 500)
cases.add(
    "ping when a model is not well",
    rpc("management.RegisterModel", url="doomed.mar", silent=True),
    UNHEALTHY,
    rpc("inference.Ping"),
    predict("doomed", method="Predictions", model_version="9"),
    rpc("management.UnregisterModel", model_name="doomed"),
    rpc("inference.Ping"),
)
cases.add("a prediction", orders("tell"))
cases.add("without input", predict("orders", None))
cases.add("several entries", predict("orders", input={"a": b"1", "data": b"tell", "body": b"{}"}))
cases.add("an entry without a name", predict("orders", input={"": b"x", "data": b"tell"}))
cases.add("bytes that are no text", predict("orders", b"tell \xff\x00"))
cases.add("an entry called body", predict("orders", None, input={"body": b'{"a": 1}'}))
cases.add("a version", orders("tell", model_version="1.0"))
cases.add("a sequence's name for a model without sequences", orders("tell", sequence_id="one"))
cases.add(
    "a sequence's name that a handler echoes",
    *alone(predict("lone", b"sequence", sequence_id="one")),
    differs=NAMED,
)
for number in (404, 500, 201):
    cases.add(f"a status {number} that a handler sets", orders(f"status {number}"))
cases.add(
    "a status that a handler sets in a stream", *alone(predict("lone", b"status 404", "StreamPredictions")), differs=ONE
)
STATUSES = (200, 302, 400, 401, 403, 404, 405, 408, 409, 413, 416, 418, 429, 499, 500, 501, 503, 504, 507, 599)
for status in STATUSES:
    cases.add(f"a handler raises {status}", orders(f"raise {status}"))
cases.add("a handler raises 404 in a stream", orders("raise 404", method="StreamPredictions"))
for method in ("Predictions", "StreamPredictions"):
    cases.add(f"{method}: a handler fails", orders("fail", method=method))
    cases.add(f"{method}: no name", rpc(f"inference.{method}"))
    cases.add(f"{method}: nobody", predict("nobody", method=method))
    cases.add(f"{method}: a version of nobody", predict("nobody", method=method, model_version="1.0"))
    cases.add(f"{method}: another version", orders("tell", method=method, model_version="9"))
    cases.add(
        f"{method}: no worker",
        call("management POST /models?url=echo.mar&initial_workers=0", silent=True),
        predict("echo", method=method),
        call("management DELETE /models/echo", silent=True),
    )
cases.add("a stream", orders("stream 3", method="StreamPredictions"))
cases.add(
    "a stream of a handler that answers at once",
    *alone(predict("lone", b"tell", "StreamPredictions")),
    differs=ONE,
)
cases.add("a stream by the method for one answer", *alone(predict("lone", b"stream 2")), differs=FIRST)
cases.add(
    "continuous batching",
    *alone(
        predict("lone", None, "StreamPredictions", input={"body": b"go 3"}, timeout=5.0),
        archive="grpc_steps",
    ),
    differs="Continuous batching over gRPC",
)
cases.add("a request that is too big", predict("orders", b"x" * 200_001), differs="A request over `max_request_size`")
cases.add("a request that is just small enough", predict("orders", b"x" * 199_900, show=lambda found: len(str(found))))
cases.add("bytes that are no message", rpc("inference.Predictions", raw=b"\xff\xff\xff"), differs="Bytes that are no")
cases.add("a name that is no UTF-8", rpc("inference.Predictions", raw=b"\x0a\x02\xff\xfe"), differs="Bytes that are no")
for name, path in [
    ("health", "/grpc.health.v1.Health/Check"),
    ("reflection", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
    ("a method of no service", "/org.pytorch.serve.grpc.inference.InferenceAPIsService/Explanations"),
    ("a service of another port", "/org.pytorch.serve.grpc.management.ManagementAPIsService/ListModels"),
    ("the upstream name of the protocol", "/inference.GRPCInferenceService/ServerLive"),
]:
    cases.add(f"not there: {name}", rpc(f"inference {path}"))


# --- sequences ------------------------------------------------------------------------------------


def talking(sequence: str, word: bytes = b"hi", model: str = "grpc_talks", **more: Any) -> dict[str, Any]:
    return {"model_name": model, "input": {"body": word}, "sequence_id": sequence, **more}


cases.add("a sequence", Talk((talking("a"), talking("a", b"again"), talking("a", b"more"))), differs=ENDS)
cases.add("two sequences in a stream", Talk((talking("b"), talking("c"), talking("b"))), differs=ENDS)
cases.add("a sequence of a version", Talk((talking("d", model_version="1.0"),)), differs=ENDS)
ENTRIES = {"body": b"hi", "ts_request_sequence_start": b"TRUE", "ts_request_sequence_end": b"true"}
cases.add(
    "a sequence that says that it begins and ends",
    Talk(({"model_name": "grpc_talks", "sequence_id": "l", "input": ENTRIES},)),
    differs=ENDS,
)
cases.add("a sequence without a message", Talk(()))
cases.add(
    "a sequence by the method for one answer",
    *alone(rpc("inference.Predictions", talking("e", model="lone"), timeout=3.0), archive="grpc_talks"),
    differs=NAMED,
)
cases.add("a sequence without a name", Talk(({"model_name": "grpc_talks", "input": {"body": b"hi"}},)))
cases.add(
    "a sequence that says that it begins",
    Talk(({"model_name": "grpc_talks", "input": {"body": b"hi", "ts_request_sequence_start": b"true"}},)),
    differs="`StreamPredictions2` never believes",
)
cases.add("a sequence of nobody", Talk((talking("f", model="nobody"),)), differs=STREAM2)
cases.add("a sequence without a model", Talk((talking("g", model=""),)), differs=STREAM2)
cases.add("a sequence of another version", Talk((talking("h", model_version="9"),)))
cases.add("a sequence of a model without sequences", Talk((talking("i", model="orders"),)), differs=STREAM2)
cases.add(
    "a client that says all at once",
    Talk((talking("j"), talking("j"), talking("j")), at_once=True),
    differs=STREAM2,
    unsteady=True,
)


# --- management -----------------------------------------------------------------------------------


def described(model: str, version: str = "", **more: Any) -> Rpc:
    return rpc("management.DescribeModel", {"model_name": model, "model_version": version}, **more)


def unregister(model: str, version: str = "", **more: Any) -> Rpc:
    return rpc("management.UnregisterModel", {"model_name": model, "model_version": version}, **more)


def register(**more: Any) -> Rpc:
    return rpc("management.RegisterModel", **more)


def scale(**more: Any) -> Rpc:
    return rpc("management.ScaleWorker", **more)


def settings(found: Any) -> Any:
    wanted = ("modelName", "modelVersion", "modelUrl", "minWorkers", "maxWorkers", "batchSize", "maxBatchDelay")
    wanted += ("responseTimeout", "startupTimeout", "modelRuntime", "runtime")
    return [{key: each.get(key) for key in wanted} for each in found[0]["msg"]]


cases.add("describe", described("orders"))
cases.add("describe a version", described("orders", "1.0"))
cases.add("describe with what the handler says", described("orders", customized=True))
cases.add("describe nothing", described(""))
cases.add("describe nobody", described("nobody"))
cases.add("describe another version", described("orders", "9"))
cases.add("describe all versions of nobody", described("nobody", "all"))
cases.add(
    "describe without a worker",
    register(url="described.mar", initial_workers=1, synchronous=True, silent=True),
    described("described", customized=True, show=lambda found: found[0]["msg"][0]["customizedMetadata"]),
    call("management PUT /models/described?min_worker=0&synchronous=true", silent=True),
    described("described", customized=True),
    unregister("described"),
    differs="A model that is to describe itself and has no worker",
)
cases.add("list", rpc("management.ListModels", limit=100))
cases.add("list one", rpc("management.ListModels", limit=1))
cases.add("list the second", rpc("management.ListModels", limit=1, next_page_token=1))
cases.add("list with a negative limit", rpc("management.ListModels", limit=-1, next_page_token=1))
cases.add("list beyond the end", rpc("management.ListModels", limit=5, next_page_token=99))
cases.add("list from a negative page", rpc("management.ListModels", limit=5, next_page_token=-3))
cases.add("list without a limit", rpc("management.ListModels"), differs="`ListModels` without a limit")
cases.add(
    "register with everything",
    register(
        url="echo.mar",
        model_name="mine",
        handler="echo.py",
        runtime="python3",
        batch_size=3,
        max_batch_delay=40,
        initial_workers=1,
        synchronous=True,
        response_timeout=31,
        startup_timeout=61,
        s3_sse_kms=False,
    ),
    described("mine", show=settings),
    predict("mine", b"42"),
    unregister("mine"),
)
cases.add(
    "register without waiting",
    register(url="echo.mar", model_name="mine"),
    unregister("mine"),
)
cases.add(
    "register with one worker without waiting",
    register(url="echo.mar", model_name="mine", initial_workers=1),
    Until(call("management GET /models/mine"), lambda answer: '"READY"' in str(answer.get("body"))),
    described("mine", show=settings),
    unregister("mine"),
)
cases.add(
    "register with numbers that are nothing",
    register(
        url="echo.mar", model_name="mine", batch_size=-1, max_batch_delay=-1, initial_workers=-1, response_timeout=-1
    ),
    described("mine", show=settings),
    unregister("mine"),
)
CAUGHT = "Registering a version twice"
cases.add(
    "a second version",
    register(url="orders_v2.mar", initial_workers=1, synchronous=True),
    described("orders", "all", show=settings),
    orders("tell", model_version="2.0"),
    rpc("management.SetDefault", model_name="orders", model_version="2.0"),
    described("orders", show=settings),
    rpc("management.SetDefault", model_name="orders", model_version="1.0"),
    unregister("orders", "2.0"),
    described("orders", "2.0"),
)
cases.add("register a version twice", register(url="orders.mar"), differs=CAUGHT)
cases.add(
    "remove the default version",
    register(url="orders_v2.mar", initial_workers=1, synchronous=True, silent=True),
    unregister("orders", "1.0"),
    unregister("orders", "2.0"),
    differs=CAUGHT,
)
for name, fields in {
    "without a url": {},
    "of a file that is not there": {"url": "no.mar"},
    "with dots in the url": {"url": "../no.mar"},
    "from nowhere": {"url": "http://127.0.0.1:1/x.mar"},
    "with a url that is none": {"url": "ftp://127.0.0.1/x.mar"},
    "in another language": {"url": "orders.mar", "runtime": "cobol"},
    "of a folder that is not there": {"url": "/nowhere"},
    "in capitals": {"url": "orders.mar", "runtime": "PYTHON3"},
    "without a manifest": {"url": "no_manifest.mar"},
    "that names no version": {"url": "no_version.mar"},
}.items():
    cases.add(f"register a model {name}", register(**fields), unregister("no_version", silent=True))
cases.add(
    "register a model that does not load",
    register(url="no_weights.mar", initial_workers=1, synchronous=True),
    unregister("no_weights", silent=True),
)
cases.add(
    "register a model whose manifest is broken",
    register(url="bad_manifest.mar"),
    differs="`Failed to download archive from",
)
cases.add(
    "register what lies in the store already",
    register(url="<files>/good/module.mar", model_name="mine"),
    unregister("mine"),
)
cases.add("set no default", rpc("management.SetDefault"))
cases.add("set the default of nobody", rpc("management.SetDefault", model_name="nobody", model_version="1.0"))
cases.add("set another version as the default", rpc("management.SetDefault", model_name="orders", model_version="9"))
cases.add("set no version as the default", rpc("management.SetDefault", model_name="orders"))
cases.add("unregister nobody", unregister("nobody"))
cases.add("unregister another version", unregister("orders", "9"))
cases.add("unregister nothing", unregister(""), differs="`UnregisterModel` without a name")
cases.add("scale nobody", scale(model_name="nobody", min_worker=1))
cases.add("scale nothing", scale(min_worker=1), differs=CAUGHT)
cases.add("scale another version", scale(model_name="orders", model_version="9", min_worker=1))
cases.add("scale to less than the least", scale(model_name="orders", min_worker=2, max_worker=1))
cases.add("scale without waiting", scale(model_name="orders", min_worker=1))
cases.add("scale with nothing said", scale(model_name="orders"))
cases.add("scale to none", scale(model_name="orders", min_worker=0, synchronous=True))
cases.add(
    "scale up and down",
    scale(model_name="orders", min_worker=2, synchronous=True, timeout=60),
    scale(model_name="orders", model_version="1.0", min_worker=1, max_worker=1, synchronous=True, number_gpu=0),
)


# --- the Open Inference Protocol ------------------------------------------------------------------

TENSOR = {"name": "x", "datatype": "FP32", "shape": [2], "contents": {"fp32_contents": [1.5, -2.0]}}


def infer(model: str = "tensors", *inputs: dict[str, Any], **more: Any) -> Rpc:
    return rpc("oip.ModelInfer", {"model_name": model, "id": "7", "inputs": list(inputs or (TENSOR,)), **more})


cases.add("protocol: live", rpc("oip.ServerLive"))
cases.add("protocol: ready", rpc("oip.ServerReady"))
cases.add("protocol: the server", rpc("oip.ServerMetadata"), differs="The Open Inference Protocol must be")
for name, fields in {
    "a model": {"name": "tensors"},
    "a version": {"name": "tensors", "version": "1.0"},
    "nothing": {},
    "nobody": {"name": "nobody"},
    "another version": {"name": "tensors", "version": "9"},
}.items():
    cases.add(f"protocol: {name} is ready", rpc("oip.ModelReady", fields))
    cases.add(f"protocol: {name} is described", rpc("oip.ModelMetadata", fields))
cases.add(
    "protocol: a model without workers",
    call("management POST /models?url=echo.mar&initial_workers=0", silent=True),
    rpc("oip.ModelReady", name="echo"),
    infer("echo"),
    call("management DELETE /models/echo", silent=True),
)
cases.add("protocol: infer", infer())
cases.add("protocol: infer by a version", infer(model_version="1.0"))
cases.add("protocol: infer without an id", rpc("oip.ModelInfer", model_name="tensors", inputs=[TENSOR]))
cases.add("protocol: infer nothing", infer(""))
cases.add("protocol: infer nobody", infer("nobody"))
cases.add("protocol: infer another version", infer(model_version="9"))
cases.add("protocol: infer with a handler that fails", infer("orders"))
for kind, field, values in [
    ("BOOL", "bool_contents", [True, False]),
    ("INT8", "int_contents", [-3, 4]),
    ("INT16", "int_contents", [-3]),
    ("INT32", "int_contents", [-(2**31)]),
    ("INT64", "int64_contents", [-(2**63), 5]),
    ("UINT8", "uint_contents", [255]),
    ("UINT16", "uint_contents", [3]),
    ("UINT32", "uint_contents", [7]),
    ("UINT64", "uint64_contents", [9]),
    ("FP64", "fp64_contents", [1e300, 0.1]),
    ("FP32", "fp32_contents", [1.1, 0.1]),
    ("BYTES", "bytes_contents", [b"hi", b"\xff"]),
]:
    tensor = {"name": "x", "datatype": kind, "shape": [len(values)], "contents": {field: values}}
    cases.add(f"protocol: a tensor of {kind}", infer("tensors", tensor))
cases.add("protocol: two tensors", infer("tensors", TENSOR, {**TENSOR, "name": "y", "shape": [1, 2]}))
cases.add("protocol: no tensor", rpc("oip.ModelInfer", model_name="tensors", id="7"))
EXTRA = {"parameters": {"p": {"string_param": "q"}}, "outputs": [{"name": "z"}]}
cases.add("protocol: parameters and outputs are ignored", infer("tensors", TENSOR, **EXTRA))
FORM = "A tensor of a datatype without"
for kind in ("FP16", "BF16", "NONSENSE"):
    cases.add(f"protocol: a tensor of {kind}", infer("tensors", {**TENSOR, "datatype": kind}), differs=FORM)


# --- tokens, the switch of the model API, TLS -----------------------------------------------------

for kind in ("", "inference", "management", "API", "Bearer 12345678", "Token 12345678"):
    name = {"": "no token", "Bearer 12345678": "a wrong token", "Token 12345678": "another word"}.get(
        kind, f"the {kind} key"
    )
    cases.add(f"{name}: ping", rpc("inference.Ping", token=kind), house="grpc guarded")
    cases.add(f"{name}: list", rpc("management.ListModels", limit=9, token=kind), house="grpc guarded")
cases.add(
    "the inference key: a prediction",
    rpc("inference.Predictions", model_name="orders", input={"data": b"tell"}, token="inference"),
    rpc("inference.StreamPredictions", model_name="orders", input={"data": b"stream 1"}, token="inference"),
    house="grpc guarded",
)
cases.add("no token: a sequence", Talk((talking("k", model="orders"),)), house="grpc guarded")
cases.add("no token: a prediction of nobody", predict("nobody"), house="grpc guarded")
for name, fields in {"register": {"url": "echo.mar"}, "unregister": {"model_name": "orders"}}.items():
    method = f"management.{name.capitalize()}Model"
    cases.add(f"model API off: {name}", rpc(method, fields, token="management"), house="grpc guarded")
cases.add("model API off: register without a token", register(url="echo.mar"), house="grpc guarded")
cases.add("model API off: register nothing", rpc("management.RegisterModel", token="management"), house="grpc guarded")
cases.add(
    "model API off: scale",
    scale(model_name="orders", min_worker=1, synchronous=True, token="management"),
    rpc("management.SetDefault", model_name="orders", model_version="1.0", token="management"),
    house="grpc guarded",
)
cases.add(
    "protocol off",
    rpc("oip.ServerLive", token="inference"),
    house="grpc guarded",
    differs="The Open Inference Protocol must be",
)
cases.add("TLS: a prediction", orders("tell"), house="grpc tls")
cases.add("TLS: management", rpc("management.ListModels", limit=9), house="grpc tls")
