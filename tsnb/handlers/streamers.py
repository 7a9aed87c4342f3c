"""Texts that a language model generates for a whole batch, piece by piece (spec 6.1)."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Queue
from typing import Any

import torch

UNFINISHED = "\N{REPLACEMENT CHARACTER}"
"""What a tokenizer gives for the first bytes of a character that is not complete yet."""


class TextIteratorStreamerBatch:
    """``model.generate(streamer=…)`` in one thread; in another, iterate: a list with a piece of text per row.

    A piece ends at a blank or a line's end, so that no word changes after it
    was given away. Raises ``queue.Empty`` after ``timeout`` seconds without one.
    """

    def __init__(
        self,
        tokenizer: Any,
        batch_size: int,
        skip_prompt: bool = False,
        timeout: float | None = None,
        **decode_kwargs: Any,
    ) -> None:
        self.tokenizer = tokenizer
        self.batch_size = batch_size
        self.skip_prompt = skip_prompt
        self.timeout = timeout
        self.decode_kwargs = decode_kwargs
        self.text_queue: Queue[list[str] | None] = Queue()
        self._prompt_is_next = True
        self._rows = [_Row() for _ in range(batch_size)]

    def put(self, value: torch.Tensor) -> None:
        """Take the prompt (batch × tokens), then one token per row each time."""
        prompt, self._prompt_is_next = self._prompt_is_next, False
        if prompt and self.skip_prompt:
            return
        rows = value.reshape(self.batch_size, -1).tolist()
        self.text_queue.put([self._piece(row, tokens) for row, tokens in zip(self._rows, rows, strict=True)])

    def end(self) -> None:
        """Give away what is left, and end the iteration."""
        self.text_queue.put([self._decoded(row)[row.given :] for row in self._rows])
        self._rows = [_Row() for _ in range(self.batch_size)]
        self._prompt_is_next = True
        self.text_queue.put(None)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        piece = self.text_queue.get(timeout=self.timeout)
        if piece is None:
            raise StopIteration
        return piece

    def _decoded(self, row: _Row) -> str:
        text: str = self.tokenizer.decode(row.tokens, **self.decode_kwargs)
        return text

    def _piece(self, row: _Row, tokens: list[int]) -> str:
        row.tokens += tokens
        text = self._decoded(row)
        end = 0 if text.endswith(UNFINISHED) else max(text.rfind(" "), text.rfind("\n")) + 1
        piece = text[row.given : end]
        row.given = max(end, row.given)
        return piece


class _Row:
    """The tokens of one text, and how many characters of it were given away."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.given = 0
