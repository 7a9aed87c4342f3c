"""``%replay ID``: the very same bytes through the same handler code, here or on the server."""

from __future__ import annotations

import bdb
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from tsnb.errors import BadRequest, NotFound
from tsnb.magics.base import (
    Command,
    argument,
    arguments,
    friendly,
    line_magic,
    magics_class,
    name_and_version,
    parse,
    split,
)
from tsnb.magics.errors import failure_lines, with_traceback
from tsnb.magics.rehearsing import rehearsal
from tsnb.magics.replayed import Compared, Replays
from tsnb.magics.requests import find
from tsnb.magics.stopping import handlers_own, stop_in
from tsnb.messages import Failure, ModelStatus, Recorded

if TYPE_CHECKING:
    from tsnb.client import Client, Result
    from tsnb.worker.rehearsal import Rehearsal


@magics_class
class ReplayMagic(Command):
    """``%replay``."""

    word = "replay"

    @line_magic
    @friendly
    @arguments()
    @argument("id", nargs="?", metavar="ID", help="a request that %%requests lists; the start of its id is enough")
    @argument("--debug", action="store_true", help="stop in the handler, under pdb")
    @argument("--server", action="store_true", help="send it to the server again and compare the answers")
    @argument("--all-failed", metavar="NAME[/VERSION]", help="send every failed request of a model to the server again")
    def replay(self, line: str) -> Result | Compared | Replays | None:
        """Run a recorded request again, in this notebook, and return its result.

        The handler is the one of your %%handler cell as you ran it last (else the
        one in the served archive), its files and weights are those that are
        served. What the handler raises is raised here, so %debug looks inside.

        --debug stops at the first line of the stage that failed, or of handle.
        JupyterLab's own debugger works without it: switch it on (the bug beside
        the kernel's name), set breakpoints in the handler's cell, and %replay ID.
        """
        options = parse(self, split(line))
        client = self.session.running()
        if options.all_failed:
            if options.id or options.debug:
                raise UsageError("--all-failed takes a model's name, no request and no --debug")
            return _all_failed(client, options.all_failed)
        if not options.id:
            raise UsageError("which request? %replay ID, where %requests NAME lists the ids")
        recorded = find(client, options.id)
        if options.server:
            return Compared(recorded, client.replay(recorded.model, recorded.request.id, recorded.version))
        return self._here(recorded, _status(client, recorded), debug=options.debug)

    def _here(self, recorded: Recorded, status: ModelStatus, *, debug: bool) -> Result | None:
        if recorded.trial:
            stage = recorded.failure.stage if recorded.failure else ""
            raise BadRequest(
                f"{recorded.request.id} is no client's request but new code that failed in {stage} "
                "before it went live: run its cell again"
            )
        if not recorded.request.parameters and recorded.size:
            raise BadRequest(
                f"nothing was kept of what request {recorded.request.id} sent: its model is private, "
                "or it was larger than record_bytes"
            )
        written = self.session.handlers_of.get(recorded.model)
        try:
            with rehearsal(status, recorded, written) as model:
                return self._run(model, recorded, debug=debug)
        except bdb.BdbQuit:
            print("The debugger was left before the handler answered.")  # noqa: T201
            return None

    def _run(self, model: Rehearsal, recorded: Recorded, *, debug: bool) -> Result:
        from tsnb.client import Result

        try:
            model.prepare()
            if debug:
                stop_in(model, recorded.failure.stage if recorded.failure else "", self.shell)
            reply = model.run(recorded.request)
        except bdb.BdbQuit:
            raise
        except Exception as error:
            raise self._shown(error, model, recorded) from error.__cause__
        if recorded.failure is not None and recorded.mates:
            print(  # noqa: T201
                f"Alone it is answered. It failed in a batch with {', '.join(recorded.mates)}: "
                "one exception fails them all."
            )
        return Result.of(reply, request_id=recorded.request.id, model=recorded.model, elapsed=reply.timings["total"])

    def _shown(self, error: Exception, model: Rehearsal, recorded: Recorded) -> Exception:
        """The exception as the user shall see it: what the handler raised, or the line of an unusable answer."""
        identity, origin = recorded.request.id, model.origin(error)
        if origin is None:
            note = f"\x1b[2mreplay of request {identity}; %debug looks inside\x1b[0m"
            return handlers_own(error, self.shell, [note])
        told = Failure(type(error).__name__, str(error), "replay", (origin,), request_ids=(identity,))
        return with_traceback(error, failure_lines(told, self.shell), self.shell)


def _status(client: Client, recorded: Recorded) -> ModelStatus:
    """The version that answered, as it is served now. Raises NotFound."""
    for status in client.describe(recorded.model):
        if status.spec.version == recorded.version:
            return status
    raise NotFound(f"{recorded.model} {recorded.version}, which answered this request, is no longer served")


def _all_failed(client: Client, text: str) -> Replays:
    name, version = name_and_version(text)
    pairs, lost = [], 0
    for each in client.requests(name, version):
        if each.failure is None or each.trial:
            continue
        try:
            pairs.append((each, client.replay(name, each.request.id, each.version)))
        except NotFound:
            lost += 1
    return Replays(text, pairs, lost)
