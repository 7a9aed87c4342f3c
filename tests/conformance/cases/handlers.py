"""What handlers see and do: the context, how they are found, the base handler, envelopes (spec 5.4, 6)."""

from typing import Any

from tests.conformance.calls import Call, call
from tests.conformance.case import Cases
from tests.conformance.steps import Script

cases = Cases("handlers", house="handlers")
TEXT = {"content_type": "text/plain"}
JSON = {"content_type": "application/json"}


def register(archive: str, more: str = "", **said: Any) -> Call:
    return call(f"management POST /models?url={archive}.mar&initial_workers=1{more}", **said)


def remove(model: str) -> Call:
    return call(f"management DELETE /models/{model}", silent=True)


def ask(model: str, body: str = "[[1, 2]]", **said: Any) -> Call:
    return call(f"POST /predictions/{model}", body, **{**JSON, **said})


cases.add("the context", ask("sees", headers={"ts_request_sequence_id": "s1"}), ask("sees"))

cases.add("the surroundings", ask("surroundings"), house="surroundings")
# --- which handler ---------------------------------------------------------------------------------

for archive in ("finding", "named_function"):
    cases.add(f"found: {archive}", register(archive), ask(archive, **TEXT), remove(archive))
cases.add(
    "found: asynchronous",
    register("asynchronous"),
    ask("asynchronous", **TEXT),
    remove("asynchronous"),
    differs="A coroutine without",
)
for archive in ("two_classes", "no_class", "not_handling", "with_arguments", "lacks_module", "leaves"):
    cases.add(f"not found: {archive}", register(archive), remove(archive))
cases.add("not found: not_started", register("not_started"), remove("not_started"))
for archive in ("out_of_memory", "out_of_cuda"):
    cases.add(f"not loaded: {archive}", register(archive), remove(archive))
cases.add(
    "a helper beside the handler",
    register("helper_class"),
    ask("helper_class"),
    remove("helper_class"),
    differs="The module may define",
)
cases.add("a function that is not there", register("named_nothing"), ask("named_nothing"), remove("named_nothing"))
cases.add(
    "a class by its name",
    register("named_class"),
    ask("named_class"),
    remove("named_class"),
    differs="A handler that names a class",
)
for handler in (
    "finding.py:one",
    "some/where/finding.py:one",
    "finding",
    "finding:",
    "nobody",
    "nobody.py",
    "image_segmenter:handle",
):
    cases.add(
        f"handler {handler}",
        register("finding", f"&model_name=mine&handler={handler}"),
        ask("mine"),
        remove("mine"),
    )

# --- the base handler ------------------------------------------------------------------------------

for archive in ("scripted", "stateful"):
    cases.add(f"base handler: {archive}", register(archive), ask(archive, "[1, 2]"), remove(archive))
cases.add("base handler: random", register("random"), ask("random", "[1, 2]"), remove("random"))
for archive in ("two_nets", "no_net", "net_alone", "other_net"):
    cases.add(f"base handler: {archive}", register(archive), remove(archive))
for name in ("texts", "lists", "objects", "too_few", "numbers", "list"):
    archive = f"labels_{name}"
    cases.add(f"index_to_name: {name}", register(archive), ask(archive, "[1, 2]"), remove(archive))
cases.add("base handler: by itself", register("bare"), ask("bare"), remove("bare"))
cases.add(
    "base handler: explanations without insights",
    register("scripted"),
    call("POST /explanations/scripted", "[1, 2]", **JSON),
    remove("scripted"),
)
cases.add(
    "base handler: describe",
    register("scripted"),
    call("management GET /models/scripted?customized=true", show=lambda found: found[0].get("customizedMetadata")),
    remove("scripted"),
)

# --- envelopes -------------------------------------------------------------------------------------

cases.add("body: a list", ask("bare"), house="body")
cases.add(
    "body: data",
    call("POST /predictions/bare", b"data=x", content_type="application/x-www-form-urlencoded"),
    house="body",
)
for name, body in {
    "numbers": '{"instances": [1, [2, 3]]}',
    "base64": '{"instances": [{"b64": "aGVsbG8="}, {"x": {"b64": "aGVsbG8="}, "y": [1]}]}',
    "base64 and more": '{"instances": [{"b64": "aGVsbG8=", "more": 1}]}',
    "one": '{"instances": ["a"]}',
    "none": '{"instances": []}',
    "no instances": '{"inputs": [1]}',
    "no list": '{"instances": 5}',
    "a list": "[1]",
}.items():
    cases.add(f"json: {name}", ask("probe", body), house="json")
cases.add("json: no JSON", ask("probe", "text", **TEXT), house="json")
INPUT = '{"name": "a", "shape": [2], "datatype": "INT64", "data": [1, 2]}'
OTHER = '{"name": "b", "shape": [1, 1], "datatype": "FP32", "data": [0.5]}'
for name, body in {
    "two tensors": f'{{"id": "i", "inputs": [{INPUT}, {OTHER}]}}',
    "a blank id": f'{{"id": " ", "inputs": [{INPUT}]}}',
    "no tensors": '{"inputs": []}',
    "a wrong shape": f'{{"inputs": [{INPUT.replace("[2]", "[3]")}]}}',
    "no shape": '{"inputs": [{"name": "a", "datatype": "INT64", "data": [1]}]}',
    "an odd datatype": f'{{"inputs": [{INPUT.replace("INT64", "NONSENSE")}]}}',
    "parameters": f'{{"inputs": [{INPUT}], "parameters": {{"p": 1}}, "outputs": [{{"name": "z"}}]}}',
}.items():
    cases.add(f"kservev2: {name}", call("POST /v2/models/probe/infer", body, **JSON), house="oip")

# --- what scripts import ---------------------------------------------------------------------------


def script(name: str, code: str, differs: str = "") -> None:
    cases.add(f"script: {name}", Script(code), differs=differs)


script(
    "micro-batching",
    """
    from ts.context import Context, RequestProcessor
    from ts.handler_utils.micro_batching import MicroBatching
    from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl

    class Metrics:
        def add_time(self, *args):
            print(json.dumps([args[0], *args[2:]]))

    class Steps:
        def __init__(self):
            self.seen = []
        def _is_describe(self):
            return self.context.get_request_header(0, "describe") == "True"
        def _is_explain(self):
            return self.context.get_request_header(0, "explain") == "True"
        def describe_handle(self):
            return "described"
        def explain_handle(self, prepared, raw):
            return [prepared, raw]
        def preprocess(self, rows):
            self.seen.append((handle.get_micro_batch_idx(), rows))
            return rows
        def inference(self, rows):
            return [row * 2 for row in rows]
        def postprocess(self, rows):
            return [f"{row}" for row in rows]

    steps = Steps()
    handle = MicroBatching(steps, micro_batch_size=2)
    context = Context("m", "/", None, 4, None, "0", metrics=Metrics())
    for headers in ({}, {"describe": "True"}, {"explain": "True"}):
        context.request_processor = [RequestProcessor(headers)]
        print(json.dumps(handle([1, 2, 3], context)))
    print(json.dumps(sorted(steps.seen, key=str)))
    handle.parallelism = {"preprocess": 2}
    handle.parallelism = {"inference": 3}
    handle.micro_batch_size = 1
    context.request_processor = [RequestProcessor({})]
    print(json.dumps(handle([1, 2, 3, 4], context)))
    print(json.dumps([handle.parallelism["preprocess"], handle.parallelism["inference"], handle.get_micro_batch_idx()]))
    handle.shutdown()
    """,
)
script(
    "a context by hand",
    """
    from ts.context import Context, RequestProcessor

    context = Context("m", "/models/m", {"model": {}}, 4, 1, "0.1", False, "metrics", {"handler": {}})
    print(json.dumps([context.model_name, context.manifest, context.system_properties, context.model_yaml_config]))
    print(json.dumps([context.metrics, context._metrics, context.request_ids, context.request_processor]))
    print(json.dumps([context.get_request_id(), context.stopping_criteria]))
    context.set_response_status(500, "nobody hears it")
    context.request_ids = {0: "a"}
    context._request_processor = [RequestProcessor({"H": "v", "ts_request_sequence_id": "s"})]
    row = context.request_processor[0]
    print(json.dumps([context._request_processor[0] is row, context.get_request_id(), context.get_request_id(1)]))
    print(json.dumps([row.get_request_property("H"), row.get_request_property("no"), row.get_request_properties()]))
    print(json.dumps([context.get_sequence_id(0), row.get_response_status_code(), row.get_response_status_phrase()]))
    context.set_all_response_status(404, "Gone")
    context.set_response_content_type(0, "a/b")
    context.metrics = "others"
    print(json.dumps([context.get_response_status(0), context.get_response_headers(0), context._metrics]))
    try:
        context.get_request_header(3, "H")
    except IndexError:
        print(json.dumps("no such row"))
    print(json.dumps(sorted(name for name in vars(RequestProcessor) if not name.startswith("_"))))
    print(json.dumps(sorted(name for name in vars(Context) if not name.startswith("_") and "get" in name)))
    """,
)
script(
    "labels and classes",
    """
    from ts.utils.util import PredictionException, list_classes_from_module, map_class_to_label
    from pathlib import Path

    sys.path.insert(0, ".")
    Path("classes.py").write_text("from pathlib import Path\nclass B: pass\nclass A(B): pass\ndef f(): pass\n")
    import classes

    print(json.dumps(map_class_to_label([[0.1, 0.9]], {"0": "a", "1": "b"}, [[1, 0]])))
    print(json.dumps(map_class_to_label([[0.1, 0.9], [1, 2]])))
    print(json.dumps([each.__name__ for each in list_classes_from_module(classes)]))
    print(json.dumps([each.__name__ for each in list_classes_from_module(classes, classes.A)]))
    error = PredictionException("bad", 418)
    print(json.dumps([str(error), error.message, error.error_code, PredictionException("x").error_code, error.args]))
    """,
)
script(
    "what is no list of labels",
    """
    from ts.utils.util import map_class_to_label

    for wrong in ((1, None), ([[1]], [1])):
        try:
            map_class_to_label(*wrong)
        except Exception as error:
            print(json.dumps("raised"))
    """,
)
script(
    "the version",
    """
    import ts
    from ts.version import __version__

    print(json.dumps([ts.__version__ == __version__, __version__.split(".")[0]]))
    """,
)
script(
    "envelopes by hand",
    """
    from ts.context import Context, RequestProcessor
    from ts.torch_handler.request_envelope.base import BaseEnvelope
    from ts.torch_handler.request_envelope.body import BodyEnvelope
    from ts.torch_handler.request_envelope.json import JSONEnvelope
    from ts.torch_handler.request_envelope.kserve import KServeEnvelope
    from ts.torch_handler.request_envelope.kservev2 import KServev2Envelope

    context = Context("m", "/", {"model": {"modelName": "m", "modelVersion": "2"}}, 1, None, "0")
    context.request_ids = {0: "r0"}
    context.request_processor = [RequestProcessor({"explain": "True"})]
    tensors = [{"name": name, "shape": [1], "datatype": "INT64", "data": [7]} for name in "ab"]
    for kind, body in [
        (BodyEnvelope, "text"),
        (JSONEnvelope, {"instances": [1, 2]}),
        (KServeEnvelope, {"instances": [1, 2]}),
        (KServev2Envelope, {"inputs": tensors}),
    ]:
        for results in (lambda data, context: data, lambda data, context: [5], lambda data, context: []):
            try:
                print(json.dumps(kind(results).handle([{"body": body}], context), default=str))
            except Exception as error:
                print(json.dumps("raised"))

    class Mine(BaseEnvelope):
        def parse_input(self, data):
            return [(row["data"], self.context.model_name) for row in data]
        def format_output(self, data):
            return [{"mine": each} for each in data]

    print(json.dumps(Mine(lambda data, context: data).handle([{"data": 1}], context)))
    print(json.dumps(Mine(lambda data, context: data).handle(None, context)))
    """,
)
script(
    "a mapping of labels from a file",
    """
    from pathlib import Path
    from ts.utils.util import get_yaml_config, load_label_mapping

    good = ('{"0": "a", "1": ["n", "b"]}', '{"object_type_names": ["a", "b"]}')
    for text in (*good, '{"0": 1}', '["a"]', '{"0": []}', "no"):
        Path("names.json").write_text(text)
        try:
            print(json.dumps(load_label_mapping("names.json")))
        except Exception:
            print(json.dumps("raised"))
    print(json.dumps(load_label_mapping("nowhere.json")))
    Path("c.yaml").write_text("a: {b: [1, 2.5, yes, null]}")
    print(json.dumps(get_yaml_config("c.yaml")))
    """,
)
script(
    "a model loaded without a server",
    """
    from pathlib import Path
    from ts.model_loader import ModelLoaderFactory

    class Metrics:
        request_ids = None
        def set_request_ids(self, ids):
            self.request_ids = ids
        def add_time(self, *args):
            pass

    sys.path.insert(0, ".")
    Path("mine.py").write_text(
        "class Mine:\\n    def initialize(self, context):\\n        self.context = context\\n"
        "    def handle(self, data, context):\\n        return [len(row) for row in data]\\n"
    )
    loader = ModelLoaderFactory.get_model_loader()
    metrics = Metrics()
    service = loader.load("m", ".", "mine.py", None, 2, metrics_cache=metrics)
    print(json.dumps(service._entry_point([{"body": 1}, {}], service.context)))
    facts = service.context.system_properties
    print(json.dumps([facts["batch_size"], facts["gpu_id"], facts["limit_max_image_pixels"], service.context.manifest]))
    print(json.dumps(len(metrics.request_ids)))
    parameters = [{"name": "body", "contentType": "x/y", "value": 1}]
    batch = [{"requestId": b"r", "parameters": parameters, "headers": [{"name": b"H", "value": b"v"}]}]
    headers, data, ids = service.retrieve_data_for_inference(batch)
    print(json.dumps([headers[0].get_request_properties(), data, ids]))
    """,
)
