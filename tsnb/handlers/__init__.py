"""What runs inside a worker: the base handler, its context, and the default handlers.

torch lives on this floor and nowhere below or above it.
"""

from __future__ import annotations

DEFAULT_HANDLERS = {
    "base_handler": "tsnb.handlers.base",
    "image_classifier": "tsnb.handlers.image_classifier",
    "image_segmenter": "tsnb.handlers.image_segmenter",
    "object_detector": "tsnb.handlers.object_detector",
    "text_classifier": "tsnb.handlers.text_classifier",
    "dali_image_classifier": "tsnb.handlers.dali_image_classifier",
    "trt_llm_handler": "tsnb.handlers.trt_llm_handler",
    "vllm_handler": "tsnb.handlers.vllm_handler",
}
"""The names an archive may give instead of a file of its own, and their modules (spec 5.3)."""
