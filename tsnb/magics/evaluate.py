"""Python expressions on a magic's line, in the user's namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tsnb.errors import BadRequest

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def evaluate(shell: InteractiveShell, expression: str, what: str) -> Any:
    """The value of an expression. Raises BadRequest that names ``what``, the expression and the reason."""
    try:
        return eval(expression, shell.user_global_ns, shell.user_ns)  # noqa: S307 - the user's own words
    except Exception as error:
        raise BadRequest(f"{what} {expression}: {type(error).__name__}: {error}") from error
