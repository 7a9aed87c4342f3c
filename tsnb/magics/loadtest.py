"""``%loadtest NAME``: how many requests a model answers, and how long they take, under more and more load."""

from __future__ import annotations

import re
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from tsnb.errors import BadRequest
from tsnb.magics.base import (
    Command,
    argument,
    arguments,
    friendly,
    line_magic,
    magics_class,
    name_and_version,
    no_var_expand,
    parse,
)
from tsnb.magics.data import value_of

if TYPE_CHECKING:
    from tsnb.client import Client
    from tsnb.widgets import LoadTest

_OPTION = re.compile(
    r"--(?:background|help)(?=\s|$)|-h(?=\s|$)|(?:-c|--connections|--for|--rate|--timeout|--content-type)(?:\s+|=)\S+"
)
_AT_END = re.compile(rf"(?:^|\s)({_OPTION.pattern})\s*$")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m)?")
_UNITS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "m": 60.0, None: 1.0}

CONNECTIONS = "1,4,16"
"""What is tried where nobody says what."""


@magics_class
class LoadtestMagic(Command):
    """``%loadtest``."""

    word = "loadtest"

    @no_var_expand
    @line_magic
    @friendly
    @arguments()
    @argument("name", metavar="NAME[/VERSION]", help="the model, or one version of it")
    @argument("data", nargs="?", metavar="DATA", help="as in %%predict (default: the latest recorded request)")
    @argument("-c", "--connections", metavar="N,N,…", help=f"connections, one step for each (default: {CONNECTIONS})")
    @argument("--rate", metavar="R,R,…", help="requests due per second instead, whatever the server does (open loop)")
    @argument("--for", dest="seconds", default="3s", metavar="TIME", help="how long each step takes (default: 3s)")
    @argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="longest wait for one answer")
    @argument("--content-type", metavar="TYPE", help="MIME type of the data (default: from the data)")
    @argument("--background", action="store_true", help="give the kernel back at once")
    def loadtest(self, line: str) -> LoadTest | None:
        """Send a request to a model again and again, from a process of its own, and show how it fares.

        Each connection asks again when it has its answer. The result has
        .steps, .knee, .dataframe (with pandas) and .figure() (with matplotlib).
        """
        options, rest = _read(self, line)
        name, version = name_and_version(self.expand(options.name))
        client = self.session.running()
        body, content_type = self._body(client, name, version, rest)
        order = _order(client, name, version, body, options.content_type or content_type, options)
        from tsnb.widgets.load_test import LoadTest, words

        test = LoadTest(client, options.name, order, words(order))
        if options.background:
            test.start()
            return test
        return self._watched(test)

    def _watched(self, test: LoadTest) -> LoadTest:
        """Show the test while it runs; what it shows at the end stays."""
        from IPython.display import display

        data, metadata = test._repr_mimebundle_()
        handle = display(data, metadata=metadata, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        try:
            test.run()
        finally:
            data, metadata = test._repr_mimebundle_()
            if handle is not None:
                handle.update(data, metadata=metadata, raw=True)
        test.shown_in(self.shell.execution_count)
        return test

    def _body(self, client: Client, name: str, version: str | None, text: str) -> tuple[bytes, str]:
        """What is sent: the data the line names, or what the model was asked last. Raises BadRequest."""
        if text:
            from tsnb.client.payload import encode

            return encode(value_of(self, text))
        from tsnb.widgets.sending import request_body

        kept = [each for each in client.requests(name, version) if each.failure is None and each.status < 400]
        if not kept:
            raise BadRequest(f"what shall be sent? No request of {name} is recorded yet: %loadtest {name} DATA")
        return request_body(client.request(name, kept[-1].request.id))


def _read(command: Command, line: str) -> tuple[Namespace, str]:
    """Options may stand before the name or at the end; what is between is the data, word for word."""
    words, rest = [], line.strip()
    while match := _OPTION.match(rest):
        words += _words(match.group())
        rest = rest[match.end() :].lstrip()
    name, _, rest = rest.partition(" ")
    while match := _AT_END.search(rest):
        words += _words(match.group(1))
        rest = rest[: match.start()]
    rest = rest.strip()
    if rest.startswith("-"):
        parse(command, [*words, name, *rest.split()])  # an option that does not exist, or lacks its value
    return parse(command, [*words, name] if name else words), rest


def _words(option: str) -> list[str]:
    return re.split(r"\s+|=", option, maxsplit=1)


def _order(client: Client, name: str, version: str | None, body: bytes, kind: str, options: Namespace) -> Any:
    from tsnb.client import load

    rates = _numbers(options.rate, "--rate", float)
    connections = _numbers(options.connections or ("" if rates else CONNECTIONS), "-c", int)
    stages = load.stages(connections, rates, _seconds(options.seconds))
    client.describe(name)  # says so where it is not served
    head = {"Content-Type": kind} if kind else {}
    return load.order_for(client.address, name, version, body, head, stages, options.timeout)


def _numbers(text: str | None, option: str, kind: type[Any]) -> list[Any]:
    try:
        return [kind(each) for each in (text or "").split(",") if each]
    except ValueError:
        raise UsageError(f"argument {option}: {text!r} is no list of numbers, as 1,8,64 is") from None


def _seconds(text: str) -> float:
    match = _SECONDS.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"argument --for: {text!r} is no time: write 5s, 500ms or 1min")
    return float(match[1]) * _UNITS[match[2]]
