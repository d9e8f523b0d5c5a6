"""The words for child and parents, on the display and on a tablet, as data: `resources/education/display.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from hcrm_store.resources import resource


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionCard:
    """One way of doing something.

    Attributes:
        treatments: whose trials stand on the card, as in the reference table of effects.
        effect: what is said of it beside the trials' numbers.
        sources: of `effect`, where it does not come from the table.
    """

    title: str
    text: str
    treatments: tuple[str, ...]
    effect: str
    sources: tuple[str, ...]


class Education:
    """Sentences by group and name."""

    def __init__(self, table: dict[str, Any]) -> None:
        self._table = table
        self.board: tuple[str, ...] = tuple(table["sight"]["board"])
        self.cards = tuple(_card(card) for card in table["options"]["cards"])

    def __call__(self, path: str, **values: object) -> str:
        """The sentence at "group.name", filled in."""
        found: Any = self._table
        for name in path.split("."):
            found = found[name]
        return str(found).format(**values)

    def population(self, name: str) -> str:
        """Where a trial was made, in the reader's language; as published where there is no word."""
        return str(self._table["options"]["population"].get(name, name))


def _card(card: dict[str, Any]) -> OptionCard:
    return OptionCard(
        title=card["title"],
        text=card["text"],
        treatments=tuple(card["treatments"]),
        effect=card["effect"],
        sources=tuple(card["sources"]),
    )


@cache
def education() -> Education:
    """The texts that ship with the product."""
    return Education(tomllib.loads(resource("education", "display.toml").read_text(encoding="utf-8")))
