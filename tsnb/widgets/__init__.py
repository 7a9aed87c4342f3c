"""Models to look at and to touch, in a notebook: the card of one model and the table of all."""

from tsnb.widgets.card import Card, card
from tsnb.widgets.models_table import Fleet, models_table

__all__ = ["Card", "Fleet", "card", "models_table"]
