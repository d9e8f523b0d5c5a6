"""The Chinese words of the simulated clinic, kept as data."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hcrm_core.terms import ProductKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Names, schools, brands and notes. See words.json."""

    surnames: tuple[str, ...]
    given_male: list[str]
    given_female: list[str]
    guardian_given: list[str]
    relations: list[str]
    schools: list[str]
    customer_notes: list[str]
    brands: dict[str, list[list[str]]]  # by ProductKind: brand, manufacturer, model
    end_reasons: dict[str, str]
    purposes: dict[str, str]
    outcome_notes: dict[str, list[str]]  # by Outcome
    devices: dict[str, list[str]]
    sites: list[str]
    departments: dict[str, str]
    teams: list[str]
    staff: list[str]


@cache
def words() -> Words:
    """The words, read once."""
    read = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
    surnames = (*read.pop("surnames"), *read.pop("compound_surnames"))
    return Words(surnames=surnames, **read)


def brand(product: ProductKind, number: int) -> tuple[str, str, str]:
    """Brand, manufacturer and model of a product; the number chooses."""
    brands = words().brands[product.value]
    name, maker, model = brands[number % len(brands)]
    return name, maker, model
