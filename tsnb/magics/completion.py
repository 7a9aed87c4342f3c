"""Completion of option names and model names after the magics. No server is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

    from tsnb.magics.base import Command
    from tsnb.magics.session import Session

_LINE = re.compile(r"(?:^|=)\s*%{1,2}(\w+)\s+(.*)$")


class Completion:
    """A matcher for IPython's completer."""

    def __init__(self, session: Session, commands: Sequence[Command]) -> None:
        self._session = session
        self._commands = {command.word: command for command in commands}
        self._matcher: Any = None

    def install(self, shell: InteractiveShell) -> None:
        """Let the completer ask this object, too."""
        from IPython.core.completer import SimpleCompletion, context_matcher

        decorate: Any = context_matcher()

        @decorate  # type: ignore[untyped-decorator]
        def tsnb_matcher(context: CompletionContext) -> Any:
            words = self.complete(context.text_until_cursor, context.token)
            found = [SimpleCompletion(text=word, type="param") for word in words]
            return {"completions": found, "suppress": bool(found)}

        self._matcher = tsnb_matcher
        shell.Completer.custom_matchers.append(tsnb_matcher)

    def remove(self, shell: InteractiveShell) -> None:
        """Leave the completer as it was."""
        if self._matcher in shell.Completer.custom_matchers:
            shell.Completer.custom_matchers.remove(self._matcher)

    def complete(self, line: str, token: str) -> list[str]:
        """The words that fit at the end of a line; ``token`` is what is typed of the last one."""
        match = _LINE.search(line)
        command = self._commands.get(match.group(1)) if match else None
        if match is None or command is None:
            return []
        rest = match.group(2)
        typed = rest.rpartition(" ")[2]
        candidates = _options(command) if typed.startswith("-") else self._names(command, rest)
        fitting = sorted(word for word in candidates if word.startswith(typed))
        # The completer replaces its own idea of the token, which may be shorter than the word.
        cut = len(typed) - len(token) if typed.endswith(token) else 0
        return [word[cut:] for word in fitting]

    def _names(self, command: Command, rest: str) -> Iterable[str]:
        """Model names, where the first plain word stands."""
        before = [word for word in rest.split(" ")[:-1] if word and not word.startswith("-")]
        return self._session.names if not before and command.word != "models" else ()


def _options(command: Command) -> list[str]:
    return [option for action in command.parser._actions for option in action.option_strings]
