"""The words of printed charts, from resources/curves/words.json."""

import json
from decimal import Decimal
from functools import cache
from typing import Any

from hcrm_core.curves.look import PictureWords
from hcrm_core.curves.picture import Mark, Quantity, Scenario, Sign
from hcrm_core.terms import Eye, ProductKind
from hcrm_store.resources import resource


@cache
def picture_words() -> PictureWords:
    """The words of every printed chart."""
    read: dict[str, Any] = json.loads(resource("curves", "words.json").read_text(encoding="utf-8"))
    keyed = {
        "titles": Quantity,
        "eyes": Eye,
        "sides": Eye,
        "products": ProductKind,
        "marks": Mark,
        "signs": Sign,
        "scenarios": Scenario,
        "levels": _level,
    }
    for name, key in keyed.items():
        read[name] = {key(code): text for code, text in read[name].items()}
    return PictureWords(**read)


def _level(code: str) -> tuple[Quantity, Decimal]:
    """ "axial_length 26.00"."""
    quantity, value = code.split()
    return Quantity(quantity), Decimal(value)
