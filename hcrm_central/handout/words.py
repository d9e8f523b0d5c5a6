"""The words of shared pages: what the display says too stands in resources/education, the rest in resources/handout."""

import tomllib
from datetime import date
from functools import cache

from hcrm_core.terms import Eye
from hcrm_store.education import education
from hcrm_store.resources import resource


@cache
def words(chapter: str) -> dict[str, str]:
    """The words of one chapter by name; templates in braces."""
    read = tomllib.loads(resource("handout", "words.toml").read_text(encoding="utf-8"))
    found: dict[str, str] = read[chapter]
    return found


def day(on: date) -> str:
    return education()("date.day", year=on.year, month=on.month, day=on.day)


def eye_name(eye: Eye) -> str:
    return education()(f"eye.{eye}")
