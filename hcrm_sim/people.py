"""The customers of one part and their families: who they are, not yet how they see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np
import polars as pl

from hcrm_core.terms import Role, Sex
from hcrm_sim.growth import Ints
from hcrm_sim.staff import Organisation
from hcrm_sim.words import words

EPOCH = date(1970, 1, 1)  # days are counted from here, as numpy and Polars do
DAYS_PER_YEAR = 365.25

# Series that no carrier had been given when this was written (docs/simulation.md): nobody can be rung by mistake.
PHONE_PREFIXES = ("142", "143", "154", "161", "164")
_SCATTER = 48_271_373  # odd and not a multiple of 5: number → number·scatter mod 10⁸ never meets itself


class Persona(IntEnum):
    """Why a family comes to the clinic."""

    POTENTIAL = 0  # on file, never bought
    SINGLE_VISION = 1
    FUNCTIONAL = 2
    OK_LENS = 3
    ADULT = 4  # 18 and over, in spectacles


@dataclass(frozen=True, slots=True)
class Profile:
    """A persona in figures. Ages in years."""

    share: float
    youngest: float
    oldest: float
    first_visit: float  # the earliest age on file
    longest_years: float  # on file


PROFILES: dict[Persona, Profile] = {
    Persona.POTENTIAL: Profile(0.22, 3.2, 15, 3, 2),
    Persona.SINGLE_VISION: Profile(0.26, 6.8, 18, 5.5, 5),
    Persona.FUNCTIONAL: Profile(0.22, 6.8, 16, 6, 3.5),
    Persona.OK_LENS: Profile(0.21, 8.4, 18, 6.5, 5),
    Persona.ADULT: Profile(0.09, 18, 25, 14, 5),
}
SHARE_JOINING_A_SIBLING = 0.065  # twice that share has a brother or sister here


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """One entry for each customer. Days are counted from 1970-01-01."""

    first: int  # number of the first customer, from 0, in the whole clinic
    persona: Ints
    born: Ints
    boy: np.ndarray[tuple[int], np.dtype[np.bool_]]
    site: Ints
    family: Ints  # index of the family's eldest entry in this part
    filed: Ints  # first day on file
    assistant: list[str]
    optometrist: list[str]

    def __len__(self) -> int:
        return len(self.persona)

    def keys(self) -> pl.Series:
        return number_keys("C", self.first + np.arange(len(self)))


def day_number(day: date) -> int:
    return (day - EPOCH).days


def number_keys(prefix: str, numbers: Ints) -> pl.Series:
    """`C0000001`, … from 0, …"""
    return prefix + pl.Series(numbers + 1).cast(pl.String).str.zfill(7)


def pick(rng: np.random.Generator, choices: Sequence[str], *, count: int) -> pl.Series:
    """That many of the choices, each as likely."""
    return pl.Series(choices, dtype=pl.String).gather(rng.integers(0, len(choices), count))


def make_people(rng: np.random.Generator, *, first: int, count: int, today: int, group: Organisation) -> People:
    """The customers of one part.

    Args:
        rng: the part's own generator.
        first: number of the part's first customer in the clinic.
        count: how many.
        today: day number of the clinic's day.
        group: where they go.
    """
    persona = rng.choice(len(Persona), size=count, p=[profile.share for profile in PROFILES.values()])
    youngest, oldest, first_visit, longest = (
        np.array([getattr(profile, name) for profile in PROFILES.values()])[persona]
        for name in ("youngest", "oldest", "first_visit", "longest_years")
    )
    family = _families(rng, count=count)
    age = youngest + (oldest - youngest) * rng.beta(1.4, 1.6, count)
    born = _spaced(rng, born=(today - age * DAYS_PER_YEAR).astype(np.int64), family=family)
    age = np.maximum((today - born) / DAYS_PER_YEAR, youngest)
    years = np.minimum(rng.gamma(2.0, longest / 4, count), longest)
    years = np.clip(np.minimum(years, age - first_visit), 0.05, None)
    site = rng.integers(0, len(group.sites), count)[family]
    assistants, optometrists = (
        _colleagues(rng, site=site, family=family, group=group, role=role)
        for role in (Role.ASSISTANT, Role.OPTOMETRIST)
    )
    return People(
        first=first,
        persona=persona,
        born=born,
        boy=rng.random(count) < 0.52,
        site=site,
        family=family,
        filed=(today - years * DAYS_PER_YEAR).astype(np.int64),
        assistant=assistants,
        optometrist=optometrists,
    )


def _families(rng: np.random.Generator, *, count: int) -> Ints:
    """For each child the entry of its family's first child: itself, or the one before it."""
    joins = rng.random(count) < SHARE_JOINING_A_SIBLING
    joins[:1] = False
    joins[1:] &= ~joins[:-1]
    return np.arange(count) - joins


def _spaced(rng: np.random.Generator, *, born: Ints, family: Ints) -> Ints:
    """Siblings are twins, or a plausible time apart."""
    apart = born - born[family]
    too_close = (family != np.arange(len(born))) & (np.abs(apart) < 330)
    twin = rng.random(len(born)) < 0.3
    return np.where(too_close, born[family] + np.where(twin, 0, 700), born)


def _colleagues(rng: np.random.Generator, *, site: Ints, family: Ints, group: Organisation, role: Role) -> list[str]:
    """One colleague of a role at the customer's site; the whole family has the same."""
    codes = [group.codes(number, role) for number in range(len(group.sites))]
    many = np.array([len(found) for found in codes])[site]
    chosen = (rng.random(len(site))[family] * many).astype(np.int64)
    return [codes[where][which] for where, which in zip(site, chosen, strict=True)]


def guardian_rows(rng: np.random.Generator, people: People, *, group: Organisation) -> pl.DataFrame:
    """The feed `guardians`: one for each family, some with a second."""
    heads = np.unique(people.family)
    second = heads[rng.random(len(heads)) < 0.1]
    of = np.concatenate([heads, second])
    numbers = np.concatenate([people.first + heads, 50_000_000 + people.first + second])
    phone = _phones(numbers)
    silent = rng.random(len(of)) < 0.02
    relation = pick(rng, words().relations[:2] * 4 + words().relations[2:], count=len(of))
    return pl.DataFrame(
        {
            "key": number_keys("G", numbers),
            "family_key": number_keys("F", people.first + of),
            "site_code": _site_codes(people.site[of], group=group),
            "name": pick(rng, words().surnames[:60], count=len(of)) + pick(rng, words().guardian_given, count=len(of)),
            "relation": relation,
            "phone": phone.set(pl.Series(silent), None),
            "wecom_id": pl.Series([None] * len(of), dtype=pl.String),
        }
    )


def customer_rows(rng: np.random.Generator, people: People, *, group: Organisation) -> pl.DataFrame:
    """The feed `customers`."""
    count = len(people)
    numbers = people.first + np.arange(count)
    missing = rng.random((4, count))
    school = pick(rng, words().schools, count=count)
    note = pick(rng, words().customer_notes, count=count)
    return pl.DataFrame(
        {
            "key": people.keys(),
            "site_code": _site_codes(people.site, group=group),
            "family_key": number_keys("F", people.first + people.family),
            "name": _names(rng, people),
            "sex": _chosen(people.boy, Sex.MALE.value, Sex.FEMALE.value).set(pl.Series(missing[0] < 0.01), None),
            "birth_date": dates(people.born).set(pl.Series(missing[1] < 0.01), None),
            "filed_on": dates(people.filed),
            "assistant_code": pl.Series(people.assistant).set(pl.Series(missing[2] < 0.005), None),
            "optometrist_code": pl.Series(people.optometrist).set(pl.Series(missing[3] < 0.05), None),
            "do_not_contact": rng.random(count) < 0.015,
            "school": school.set(pl.Series(people.persona == Persona.ADULT), None),
            "note": note.set(pl.Series(rng.random(count) > 0.15), None),
            "his_no": number_keys("H", numbers),
            "sales_no": number_keys("X", numbers).set(pl.Series(people.persona == Persona.POTENTIAL), None),
            "screening_no": number_keys("K", numbers).set(pl.Series(rng.random(count) > 0.2), None),
            "national_id": pl.Series([None] * count, dtype=pl.String),  # an invented one could be somebody's
        }
    )


def dates(days: Ints) -> pl.Series:
    """Day numbers as dates."""
    return pl.Series(days.astype(np.int32)).cast(pl.Date)


def _names(rng: np.random.Generator, people: People) -> pl.Series:
    count = len(people)
    commonness = 1 / (np.arange(len(words().surnames)) + 8)
    surname = rng.choice(len(words().surnames), size=count, p=commonness / commonness.sum())[people.family]
    boys = pick(rng, words().given_male, count=count)
    girls = pick(rng, words().given_female, count=count)
    given = boys.zip_with(pl.Series(people.boy), girls)
    return pl.Series(words().surnames).gather(surname) + given


def _phones(numbers: Ints) -> pl.Series:
    prefix = pl.Series(PHONE_PREFIXES).gather(numbers % len(PHONE_PREFIXES))
    return prefix + pl.Series(numbers * _SCATTER % 100_000_000).cast(pl.String).str.zfill(8)


def _site_codes(site: Ints, *, group: Organisation) -> pl.Series:
    return pl.Series([one["code"] for one in group.sites]).gather(site)


def _chosen(condition: np.ndarray[tuple[int], np.dtype[np.bool_]], yes: str, no: str) -> pl.Series:
    return pl.Series(np.where(condition, yes, no))
