"""What is compiled from ``indented.pyx``."""

from typing import Any

def indented(value: Any) -> bytes | None: ...
