"""The words of shared pages, from resources/handout/words.toml."""

import tomllib
from datetime import date
from functools import cache

from hcrm_store.resources import resource


@cache
def words(chapter: str) -> dict[str, str]:
    """The words of one chapter by name; templates in braces."""
    read = tomllib.loads(resource("handout", "words.toml").read_text(encoding="utf-8"))
    found: dict[str, str] = read[chapter]
    return found


def day(on: date) -> str:
    return words("common")["day"].format(year=on.year, month=on.month, day=on.day)
