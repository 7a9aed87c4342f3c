"""The default handler ``dali_image_classifier``: as ``image_classifier``, with images prepared by DALI (spec 6.7)."""

from __future__ import annotations

from tsnb.handlers.dali import DALIHandler
from tsnb.handlers.image_classifier import ImageClassifier


class DALIImageClassifier(DALIHandler, ImageClassifier):
    """Answers ``{label: probability}`` of the ``topk`` best classes, best first."""
