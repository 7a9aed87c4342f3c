"""What runs inside a worker: the base handler, its context, and the default handlers.

torch lives on this floor and nowhere below or above it.
"""

from __future__ import annotations

DEFAULT_HANDLERS = {
    "base_handler": "tsnb.handlers.base",
    "image_classifier": "tsnb.handlers.image_classifier",
}
"""The names an archive may give instead of a file of its own, and their modules (spec 5.3)."""
