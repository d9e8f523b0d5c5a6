"""The words of the report, as data: `resources/reports/parent.toml` holds each with its source."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from hcrm_store.resources import resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A paragraph of explanation.

    Attributes:
        when: what must be on the report for it to be printed.
        source: where it comes from; not printed.
    """

    when: str
    text: str
    source: str


class Texts:
    """Sentences by group and name."""

    def __init__(self, table: dict[str, Any]) -> None:
        self._table = table
        self.notes = tuple(Note(**note) for note in table["meaning"]["notes"])
        self.replacement_months: tuple[int, int] = (
            table["replacement"]["from_months"],
            table["replacement"]["to_months"],
        )

    def __call__(self, path: str, **values: object) -> str:
        """The sentence at "group.name", filled in."""
        found: Any = self._table
        for name in path.split("."):
            found = found[name]
        return str(found).format(**values)


@cache
def texts() -> Texts:
    """The texts that ship with the product."""
    return Texts(tomllib.loads(resource("reports", "parent.toml").read_text(encoding="utf-8")))
