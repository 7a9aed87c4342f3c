"""Sequences, continuous batching, job tickets and the client's time-out (spec 1.4, 1.9, 7.7 to 7.9)."""

from tests.conformance.calls import Call, call
from tests.conformance.case import Cases
from tests.conformance.steps import Begun, FileComes, Finished, MakeFile, ready

cases = Cases("sequences", house="managed")
TEXT = {"content_type": "text/plain"}
ID = "ts_request_sequence_id"


def add(archive: str) -> Call:
    return call(f"management POST /models?url={archive}.mar", silent=True)


def remove(model: str) -> Call:
    return call(f"management DELETE /models/{model}", silent=True)


def said(body: str, sequence: str = "", **headers: str) -> Call:
    own = {ID: sequence} if sequence else {}
    return call("POST /predictions/sequences", body, headers={**own, **headers}, **TEXT)


cases.add(
    "two sequences",
    add("sequences"),
    said("a", "one"),
    said("b", "one"),
    said("c", "two"),
    said("d", "one"),
    remove("sequences"),
)
cases.add(
    "a sequence without an id",
    add("sequences"),
    said("a"),
    said("b", "", ts_request_sequence_start="true"),
    remove("sequences"),
)
cases.add(
    "more sequences than there may be",
    add("sequences"),
    said("a", "one"),
    said("b", "two"),
    said("c", "three"),
    said("d", "one"),
    remove("sequences"),
)
cases.add(
    "sequences are described",
    add("sequences"),
    call("management GET /models/sequences"),
    remove("sequences"),
)

cases.add(
    "continuous batching",
    add("steps"),
    call("POST /predictions/steps", "3", **TEXT),
    call("management GET /models/steps", show=lambda found: found[0]["continuousBatching"]),
    remove("steps"),
)


cases.add(
    "continuous batching, one step",
    add("steps"),
    Begun("one", (call("POST /predictions/steps", "1", **TEXT),), timeout=4.0),
    Finished("one"),
    remove("steps"),
    differs="With continuous batching",
)


def hold(model: str, file: str) -> Call:
    return call(f"POST /predictions/{model}", f"<folder>/{file}" if file else "", **TEXT)


cases.add(
    "job tickets",
    add("tickets"),
    ready("tickets"),
    Begun("first", (hold("tickets", "ticket-1"),)),
    FileComes("<folder>/ticket-1.begun"),
    hold("tickets", ""),
    MakeFile("<folder>/ticket-1.go"),
    Finished("first"),
    call("management GET /models/tickets", show=lambda found: found[0]["useJobTicket"]),
    remove("tickets"),
)
cases.add(
    "a client's time-out",
    add("impatient"),
    Begun("first", (hold("impatient", "client-1"),), timeout=6.0),
    FileComes("<folder>/client-1.begun"),
    Begun("second", (hold("impatient", ""),), timeout=6.0),
    Finished("second"),
    MakeFile("<folder>/client-1.go"),
    Finished("first"),
    remove("impatient"),
    differs="`clientTimeoutInMills`",
)
