"""Models to look at and to touch, in a notebook: cards, the table of all, a box to try one, a load test."""

from tsnb.widgets.card import Card, card
from tsnb.widgets.load_test import LoadTest
from tsnb.widgets.models_table import Fleet, models_table
from tsnb.widgets.try_it import TryIt, try_it

__all__ = ["Card", "Fleet", "LoadTest", "TryIt", "card", "models_table", "try_it"]
