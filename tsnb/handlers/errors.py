"""The one exception that a handler raises to choose its own answer."""

from __future__ import annotations


class PredictionException(Exception):
    """Answer the whole batch with this status and message (spec 1.4, 6.10)."""

    def __init__(self, message: str, error_code: int = 500) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = error_code

    def __str__(self) -> str:
        return f"{self.message} : {self.error_code}"
