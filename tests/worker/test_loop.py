"""The contract of spec 1.3, 1.4 and 1.10, from the server's side of the socket."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tsnb import protocol
from tsnb.messages import Parameter, Request
from tsnb.protocol import Failed, Ready

from .peer import DEADLINE, HANDLERS, Server, alive, body, wait_until

Write = Callable[..., Path]


@pytest.fixture
def serving(start: Callable[[], Server], write: Write) -> Callable[..., Server]:
    """A worker that has loaded this handler."""

    def serve(source: str, handler: str = "h.py", **settings: object) -> Server:
        worker = start()
        ready = worker.load(write(h=source), handler, **settings)
        assert isinstance(ready, Ready), ready
        return worker

    return serve


def test_a_function_echoes_and_stop_ends_the_process(worker: Server) -> None:
    ready = worker.load(HANDLERS, "echo.py")
    assert (ready.pid, ready.device) == (worker.process.pid, "cpu")
    assert worker.reply(b"hello").body == b"hello"
    protocol.write(worker.sock, protocol.Stop())
    assert worker.process.wait(DEADLINE) == 0


def test_end_of_file_ends_the_process(worker: Server) -> None:
    worker.load(HANDLERS, "echo")
    worker.sock.close()
    assert worker.process.wait(DEADLINE) == 0


def test_garbage_on_the_line_ends_the_process(worker: Server) -> None:
    worker.sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert worker.process.wait(DEADLINE) == 1
    assert "not a tsnb frame" in worker.log.read_text()


def test_a_named_function_is_called_once_with_none_at_load(serving: Callable[..., Server]) -> None:
    source = """
calls = []
def answer(data, context):
    calls.append(data is None)
    return [calls] if data else 7
"""
    worker = serving(source, "h:answer")
    assert json.loads(worker.reply(b"").body) == [True, False]


def test_a_class_is_initialised_once(serving: Callable[..., Server]) -> None:
    worker = serving("""
class Helper:
    pass
class Handler:
    def initialize(self, context):
        self.where = context.system_properties["model_dir"]
    def handle(self, data, context):
        import os
        return [{"same": os.path.samefile(self.where, os.getcwd()), "id": context.get_request_id(0)}]
""")
    assert json.loads(worker.reply(b"").body) == {"same": True, "id": "r1"}


def test_an_async_handler_is_awaited(serving: Callable[..., Server]) -> None:
    worker = serving("""
import asyncio
class Handler:
    def initialize(self, context):
        pass
    async def handle(self, data, context):
        await asyncio.sleep(0)
        return ["late"]
""")
    assert worker.reply(b"").body == b"late"


DECODED = [
    (b'{"a": [1, 2.5, null]}', "application/json", "dict {'a': [1, 2.5, None]}"),
    (b"42", "application/json", "int 42"),
    (b"NaN", "application/json", "float nan"),
    (b'{"a": ', "application/json", "bytearray bytearray(b'{\"a\": ')"),
    (b"\xff\xfe", "application/json", "bytearray bytearray(b'\\xff\\xfe')"),
    (b"\xc3\xa9", "text/plain", "str 'é'"),
    (b"\xff", "text/csv", "bytearray bytearray(b'\\xff')"),
    (b"1", "Application/JSON", "bytearray bytearray(b'1')"),
    (b"x", "TEXT/PLAIN", "bytearray bytearray(b'x')"),
    (b"x", "image/png", "bytearray bytearray(b'x')"),
    (b"", "", "bytearray bytearray(b'')"),
]
SHOW = "def handle(data, context):\n    v = data[0]['body'] if data else 0\n    return [f'{type(v).__name__} {v!r}']\n"


def test_values_are_decoded_by_their_content_type(serving: Callable[..., Server]) -> None:
    worker = serving(SHOW)
    for value, kind, shown in DECODED:
        assert worker.reply(value, kind).body.decode() == shown
    assert "is no valid application/json" in worker.log.read_text()


def test_nothing_is_decoded_where_the_server_says_so(serving: Callable[..., Server]) -> None:
    worker = serving(SHOW, decode_input_request=False)
    assert worker.reply(b"42", "application/json").body == b"bytearray bytearray(b'42')"


def test_the_last_of_repeated_names_counts_and_headers_reach_the_context(serving: Callable[..., Server]) -> None:
    worker = serving("""
def handle(data, context):
    if data:
        return [[{k: bytes(v).decode() for k, v in row.items()}, context.get_all_request_header(i),
                 context.get_request_header(i, "x-trace")] for i, row in enumerate(data)]
""")
    fields = (Parameter("a", b"1"), Parameter("b", b"2", "x/y"), Parameter("a", b"3"))
    _, replies = worker.ask(Request("one", {"X-Trace": "t"}, fields), body(b"z", id="two"))
    first, second = (json.loads(reply.body) for reply in replies)
    assert first[0] == {"a": "3", "b": "2"}
    assert first[1] == {"a": {"content-type": ""}, "b": {"content-type": "x/y"}, "X-Trace": "t"}
    assert first[2] == "t"
    assert second[0] == {"body": "z"}
    assert second[2] is None


def test_results_become_bytes(serving: Callable[..., Server]) -> None:
    worker = serving("""
import torch
VALUES = [b"raw", bytearray(b"array"), "héllo", {"a": [1, (2, None)]}, 1.5, None, True, [1, "é"], {}, torch.arange(3)]
def handle(data, context):
    return [VALUES[int(bytes(row["body"]))] for row in data or []]
""")
    bodies = [reply.body for reply in worker.ask(*[body(str(i).encode()) for i in range(10)])[1]]
    assert bodies[:3] == [b"raw", b"array", "héllo".encode()]
    for got, value in zip(bodies[3:9], [{"a": [1, (2, None)]}, 1.5, None, True, [1, "é"], {}], strict=True):
        assert got.decode() == json.dumps(value, indent=2)
    assert torch.equal(torch.load(io.BytesIO(bodies[9])), torch.arange(3))


def test_status_headers_and_timings_travel_with_the_answer(serving: Callable[..., Server]) -> None:
    worker = serving("""
def handle(data, context):
    context.set_response_status(404, "nope", 1)
    if data:
        context.set_response_content_type(0, "text/x")
        context.set_response_header(0, "n", 5)
        context.metrics.add_counter("Seen", 2, 0)
        return ["a", "b"]
""")
    result, replies = worker.ask(body(b""), body(b"", id="r2"))
    assert (replies[0].status, replies[0].reason, replies[0].headers) == (200, "", {"content-type": "text/x", "n": "5"})
    assert (replies[1].status, replies[1].reason, replies[1].headers) == (404, "nope", {})
    assert result.timings.keys() == {"decode", "handle", "encode"}
    seen, predicted = result.metrics
    assert (seen.name, seen.value, seen.unit, seen.kind, seen.request_id) == ("Seen", 2, "Count", "counter", "r1")
    assert seen.dimensions == (("ModelName", "m"), ("Level", "Model"))
    assert (predicted.name, predicted.unit, predicted.kind) == ("PredictionTime", "Milliseconds", "gauge")
    assert predicted.request_id == "r1,r2"


FAILURES = {
    "an exception": ("raise ValueError('secret')", 503, "Prediction failed", "ValueError"),
    "memory": ("raise MemoryError", 507, "Out of resources", "MemoryError"),
    "CUDA in the text": ("raise RuntimeError('CUDA error')", 507, "Out of resources", "RuntimeError"),
    "a chosen status": ("raise PredictionException('too odd', 513)", 513, "too odd", "PredictionException"),
    "a default status": ("raise PredictionException('odd')", 500, "odd", "PredictionException"),
    "headers for nobody": ("context.request_processor = []; return [1]", 503, "Prediction failed", "ValueError"),
    "no list": ("return {'a': 1}", 503, "Invalid model predict output", "InvalidAnswer"),
    "wrong length": ("return [1, 2]", 503, "number of batch response mismatched", "InvalidAnswer"),
    "not serialisable": ("return [object()]", 503, "Unsupported model output data type.", "Unserialisable"),
    "circular": ("x = []; x.append(x); return [x]", 503, "Unsupported model output data type.", "Unserialisable"),
}
FAILING = """
from ts.service import PredictionException
def handle(data, context):
    if not data: return
    if b"ok" in data[0]["body"]: return ["ok"]
    """


@pytest.mark.parametrize(("line", "status", "message", "type"), FAILURES.values(), ids=FAILURES)
def test_a_failure_answers_the_batch_and_the_worker_lives(
    serving: Callable[..., Server], line: str, status: int, message: str, type: str
) -> None:
    worker = serving(FAILING + line + "\n")
    failed = worker.fails()
    assert (failed.status, failed.message, failed.failure.type) == (status, message, type)
    assert failed.failure.request_ids == ("r1",)
    assert (failed.failure.model, failed.failure.version, failed.failure.worker) == ("m", "1.0", "w1")
    assert worker.reply(b"ok").body == b"ok"


def test_a_failure_shows_the_handlers_frames_inputs_and_output(serving: Callable[..., Server]) -> None:
    worker = serving("""import json, logging, sys
def handle(data, context):
    if data:
        print("looking at it")
        logging.getLogger("mine").info("hm")
        print("oh no", file=sys.stderr)
        helper(data[0]["body"])
def helper(body):
    json.loads(body)
""")
    failure = worker.fails(body(b"{", "application/octet-stream")).failure
    assert failure.stage == "handle"
    assert [frame.function for frame in failure.frames][:2] == ["handle", "helper"]
    assert [frame.lineno for frame in failure.frames][:2] == [7, 9]
    assert failure.frames[1].source == "json.loads(body)"
    assert failure.traceback.startswith("Traceback (most recent call last):\n  File ")
    assert "tsnb/worker" not in failure.traceback
    assert failure.inputs == "[{'body': bytearray of 1 bytes}]"
    assert failure.output == "looking at it\nhm\noh no\n"
    assert "oh no" in worker.log.read_text()
    lines = [protocol.read_line(line) for line in worker.log.read_text().split("\n")]
    assert failure.traceback in "".join(f"{text}\n" for _, _, text in lines)
    assert ("INFO", ("r1",), "looking at it") in lines
    assert ("INFO", ("r1",), "hm") in lines
    assert ("WARNING", ("r1",), "oh no") in lines
    assert ("ERROR", ("r1",), "Traceback (most recent call last):") in lines


def test_an_exception_that_cannot_be_printed_is_a_failure_too(serving: Callable[..., Server]) -> None:
    worker = serving("class E(Exception):\n    def __str__(self): return 1 / 0\ndef handle(d, c):\n    if d: raise E\n")
    assert worker.fails().message == "Prediction failed"
    assert worker.fails().failure.type == "E"


@pytest.mark.parametrize(("call", "code"), [("sys.exit(3)", 3), ("sys.exit('why')", 1), ("os._exit(9)", 9)])
def test_a_handler_that_exits_ends_the_process(serving: Callable[..., Server], call: str, code: int) -> None:
    worker = serving(f"import os, sys\ndef handle(data, context):\n    if data: {call}\n")
    worker.send(body(b""))
    assert worker.process.wait(DEADLINE) == code
    assert worker.source.read() is None


LOAD_FAILURES = {
    "constructor": (
        "class H:\n    def __init__(self): 1/0\n    def initialize(self, c): pass\n    def handle(self, d, c): pass\n",
        "initialize",
        500,
        "Unknown exception",
    ),
    "import": ("import nothing_of_that_name\ndef handle(d, c): pass", "import", 500, "Unknown exception"),
    "syntax": ("def handle(d, c:\n    pass", "import", 500, "Unknown exception"),
    "initialize": ("def handle(d, c): raise OSError('no disk')", "initialize", 500, "Unknown exception"),
    "memory": ("def handle(d, c): raise MemoryError", "initialize", 507, "System out of memory"),
    "CUDA": ("def handle(d, c): raise RuntimeError('CUDA oom')", "initialize", 507, "System out of memory"),
    "no handler": ("x = 1", "import", 500, "Unknown exception"),
}


@pytest.mark.parametrize(("source", "stage", "status", "message"), LOAD_FAILURES.values(), ids=LOAD_FAILURES)
def test_a_handler_that_does_not_load_is_reported_and_the_process_ends(
    worker: Server, write: Write, source: str, stage: str, status: int, message: str
) -> None:
    failed = worker.load(write(h=source), "h.py")
    assert isinstance(failed, Failed)
    assert (failed.number, failed.status, failed.message, failed.failure.stage) == (None, status, message, stage)
    assert worker.process.wait(DEADLINE) == 1


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        ("absent.py", "neither absent.py in the archive nor an installed module, and the default handlers are base"),
        ("h:absent", "names the function 'absent', which h lacks"),
        ("h", "several classes with handle (A, B)"),
        ("", "the archive names no handler"),
        ("bare", "the class C has no initialize(self, context)"),
    ],
)
def test_a_handler_that_is_not_there_says_what_there_is(worker: Server, write: Write, handler: str, says: str) -> None:
    source = "class A:\n    def handle(self): pass\nclass B(A):\n    pass\n"
    bare = "class C:\n    def handle(self, data, context): pass\n"
    failed = worker.load(write(h=source, bare=bare), handler)
    assert isinstance(failed, Failed)
    assert says in failed.failure.message


def test_the_first_import_error_is_the_one_that_is_shown(worker: Server, write: Write) -> None:
    failed = worker.load(write(base_handler="import numpy_of_mine"), "base_handler.py")
    assert isinstance(failed, Failed)
    assert failed.failure.message == "No module named 'numpy_of_mine'"
    assert failed.failure.frames[-1].lineno == 1


def test_a_stream_sends_parts_before_the_last(serving: Callable[..., Server]) -> None:
    worker = serving("""
from ts.handler_utils.utils import send_intermediate_predict_response
def handle(data, context):
    if data:
        for i in range(2):
            send_intermediate_predict_response([f"part {i}"], context.request_ids, "text", 200, context)
        return ["end"]
""")
    worker.send(body(b""))
    parts = [worker.receive() for _ in range(3)]
    assert [message.more for message, _ in parts] == [True, True, False]
    replies = [protocol.replies(message, bodies)[0] for message, bodies in parts]
    assert [reply.body for reply in replies] == [b"part 0", b"part 1", b"end"]
    assert [reply.headers["ts_stream_next"] for reply in replies] == ["true", "true", "false"]
    assert {message.number for message, _ in parts} == {1}


def test_every_line_is_written_at_once(serving: Callable[..., Server]) -> None:
    worker = serving("def handle(data, context):\n    if data:\n        print('a line')\n        while True: pass\n")
    worker.send(body(b""))
    wait_until(lambda: "a line\n" in worker.log.read_text(), "the line")
    worker.sock.close()
    assert worker.process.wait(DEADLINE) == 0


def test_a_hang_up_ends_a_busy_worker(serving: Callable[..., Server]) -> None:
    worker = serving("def handle(data, context):\n    print('busy')\n    while data: pass\n")
    worker.send(body(b""))
    wait_until(lambda: worker.log.read_text().count("busy") == 2, "the batch")
    assert alive(worker.process.pid)
    worker.sock.close()
    assert worker.process.wait(DEADLINE) == 0


def test_a_captured_module_shows_the_lines_of_its_cell(worker: Server, write: Write) -> None:
    folder = write(h="# made from cells\nimport json\n\ndef handle(data, context):\n    if data:\n        1 / 0\n")
    segments = [{"start": 4, "count": 3, "filename": "In [7]", "line": 2}]
    (folder / "h.tsnb.json").write_text(json.dumps({"segments": segments}))
    worker.load(folder, "h")
    failure = worker.fails().failure
    assert [(frame.filename, frame.lineno, frame.source) for frame in failure.frames] == [("In [7]", 4, "1 / 0")]
    assert re.search(r'File "In \[7\]", line 4, in handle\n    1 / 0\n    ~~\^~~\n', failure.traceback)


def test_a_syntax_error_shows_the_line_of_its_cell(worker: Server, write: Write) -> None:
    folder = write(h="# made from cells\n\ndef handle(data, context):\n    return [\n")
    segments = [{"start": 3, "count": 2, "filename": "In [2]", "line": 2}]
    (folder / "h.tsnb.json").write_text(json.dumps({"segments": segments}))
    failed = worker.load(folder, "h")
    assert isinstance(failed, Failed)
    assert (failed.failure.frames[-1].filename, failed.failure.frames[-1].lineno) == ("In [2]", 3)
    assert 'File "In [2]", line 3' in failed.failure.traceback


@pytest.mark.parametrize(
    ("source", "type_name", "line", "text"),
    [
        ("def handle(d, c):\n    return {}\n", "InvalidAnswer", 2, "return {}"),
        ("def handle(d, c):\n    return d and [object()]\n", "Unserialisable", 2, "return d and [object()]"),
        ("def handle(d, c):\n    if d: return []\n    return None\n", "InvalidAnswer", 1, "def handle(d, c):"),
        (
            "from tsnb import BaseHandler\nclass H(BaseHandler):\n    def initialize(self, c): pass\n"
            "    def preprocess(self, d): return d\n    def inference(self, d): return d\n"
            "    def postprocess(self, d):\n        return tuple(d)\n",
            "InvalidAnswer",
            7,
            "return tuple(d)",
        ),
    ],
)
def test_an_unusable_answer_has_the_line_it_came_from(
    serving: Callable[..., Server], source: str, type_name: str, line: int, text: str
) -> None:
    failure = serving(source).fails().failure
    assert failure.type == type_name
    assert [(frame.lineno, frame.source) for frame in failure.frames] == [(line, text)]


def test_the_stages_of_a_service_behind_a_function_are_timed(serving: Callable[..., Server]) -> None:
    worker = serving("""
from tsnb import BaseHandler
class H(BaseHandler):
    def initialize(self, context): pass
    def preprocess(self, data): return [1 // len(row["body"]) for row in data]
    def inference(self, data): return data
    def postprocess(self, data): return data
_service = H()
def handle(data, context):
    if data is None:
        return _service.initialize(context)
    return _service.handle(data, context)
""")
    result, _ = worker.ask(body(b"x"))  # type: ignore[misc]
    assert {"preprocess", "inference", "postprocess"} <= result.timings.keys()
    assert worker.fails(body(b"")).failure.stage == "preprocess"
