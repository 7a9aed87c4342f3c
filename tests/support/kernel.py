"""A real kernel to type cells into, with a keyboard, an interrupt key and JupyterLab's debugger."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import Empty
from typing import Any

DEADLINE = 90.0


class Outcome:
    """The reply of one cell and its outputs."""

    def __init__(self, reply: dict[str, Any], messages: list[dict[str, Any]]) -> None:
        self.ok = reply["status"] == "ok"
        self.payload = reply.get("payload") or []
        self._messages = messages
        self.stdout = "".join(each["text"] for each in self._of("stream") if each["name"] == "stdout")
        self.stderr = "".join(each["text"] for each in self._of("stream") if each["name"] == "stderr")
        self.data = next((each["data"] for each in self._of("execute_result", "display_data")), {})
        self.errors = list(self._of("error"))
        self.error = "\n".join("\n".join(each["traceback"]) for each in self.errors)

    def _of(self, *kinds: str) -> list[dict[str, Any]]:
        return [each["content"] for each in self._messages if each["msg_type"] in kinds]

    @property
    def text(self) -> str:
        return str(self.data.get("text/plain", ""))


class Kernel:
    """A kernel, and what its cells send to the notebook."""

    def __init__(self, manager: Any, client: Any) -> None:
        self._manager = manager
        self.client = client
        self._sequence = 0

    def run(
        self,
        code: str,
        *,
        answers: Sequence[str] = (),
        on_output: Callable[[dict[str, Any]], None] | None = None,
        timeout: float = DEADLINE,
    ) -> Outcome:
        """Run a cell; ``answers`` are typed when it asks."""
        messages: list[dict[str, Any]] = []
        waiting = list(answers)

        def hear(message: dict[str, Any]) -> None:
            messages.append(message)
            if on_output is not None:
                on_output(message)

        def type_answer(message: dict[str, Any]) -> None:
            self.client.input(waiting.pop(0) if waiting else "quit")

        reply = self.client.execute_interactive(
            code, output_hook=hear, stdin_hook=type_answer, allow_stdin=True, timeout=timeout
        )
        return Outcome(reply["content"], messages)

    def value(self, code: str) -> Any:
        """The value of an expression that JSON can hold."""
        outcome = self.run(f"import json as _json\nprint(_json.dumps({code}))")
        assert outcome.ok, outcome.error
        return json.loads(outcome.stdout)

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    # --- JupyterLab's debugger, by the protocol it speaks ---------------------------------------------

    def debug(self, command: str, **arguments: Any) -> dict[str, Any]:
        """One request of the debug adapter protocol, and the body of its answer."""
        self._sequence += 1
        content = {"type": "request", "seq": self._sequence, "command": command, "arguments": arguments}
        message = self.client.session.msg("debug_request", content)
        self.client.control_channel.send(message)
        while True:
            reply = self.client.get_control_msg(timeout=DEADLINE)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                assert reply["content"].get("success"), reply["content"]
                body: dict[str, Any] = reply["content"].get("body") or {}
                return body

    def with_breakpoint(self, cell: str, line: int, code: str) -> dict[str, Any]:
        """Run ``code`` with a breakpoint in another cell; the frame in which it stopped. Then it goes on."""
        self.debug("initialize", clientID="test", adapterID="", pathFormat="path", linesStartAt1=True)
        self.debug("attach", justMyCode=False)
        path = self.debug("dumpCell", code=cell)["sourcePath"]
        self.debug("setBreakpoints", source={"path": path}, breakpoints=[{"line": line}], sourceModified=False)
        self.debug("configurationDone")
        request = self.client.execute(code)
        try:
            stopped = self._event("stopped")
            thread = stopped["body"]["threadId"]
            frame: dict[str, Any] = self.debug("stackTrace", threadId=thread)["stackFrames"][0]
            self.debug("setBreakpoints", source={"path": path}, breakpoints=[], sourceModified=False)
            self.debug("continue", threadId=thread)
            self._idle(request)
        finally:
            self.debug("disconnect", restart=False, terminateDebuggee=False)
        return frame

    def _event(self, name: str) -> dict[str, Any]:
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            with contextlib.suppress(Empty):
                message = self.client.get_iopub_msg(timeout=1)
                if message["msg_type"] == "debug_event" and message["content"].get("event") == name:
                    content: dict[str, Any] = message["content"]
                    return content
        raise AssertionError(f"the debugger never said {name}")

    def _idle(self, request: str) -> None:
        while True:
            message = self.client.get_iopub_msg(timeout=DEADLINE)
            mine = message["parent_header"].get("msg_id") == request
            if mine and message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        self.client.get_shell_msg(timeout=DEADLINE)


@contextlib.contextmanager
def kernel(folder: Path) -> Iterator[Kernel]:
    """A kernel in a folder, outside of any notebook server; it starts a server of its own."""
    from jupyter_client.manager import start_new_kernel

    clean = {key: value for key, value in os.environ.items() if not key.startswith("TSNB_")}
    manager, client = start_new_kernel(
        kernel_name="python3", cwd=str(folder), env={**clean, "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    )
    client.control_channel.start() if not client.control_channel.is_alive() else None
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


class Meanwhile(threading.Thread):
    """Does something beside the test, and raises in the test what went wrong."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._error = error

    def __enter__(self) -> Meanwhile:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.join(DEADLINE)
        assert not self.is_alive()
        if self._error is not None:
            raise self._error
