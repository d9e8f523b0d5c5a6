"""Writes docs/facts.md from the catalogue: `python -m tests.unit.facts.page`."""

from collections.abc import Iterator
from pathlib import Path

from hcrm_core.facts.catalogue import CATALOGUE, Fact, FactType, Group
from hcrm_core.rules.checking import OPERATORS
from hcrm_core.terms import Eye

PAGE = Path(__file__).parents[3] / "docs" / "facts.md"

_HEAD = """\
# The fact catalogue

Written from `hcrm_core/facts/catalogue.py` by `python -m tests.unit.facts.page`; a test holds the two together. What
the words mean and where numbers come from: [rules.md](rules.md). NULL is unknown; the last column says what that tells.

A fact of an eye (×2) has two columns, `…_od` and `…_os`, and a condition may ask either or both of them by the name
without the eye. The range is what can be true: hard bounds of `eye/plausibility.py`; growth in mm as between visits
(reference pack, plausibility_ranges.csv); growth in D, z-scores, money and counts are operational defaults.

**Not among them**, because nothing feeds them yet: consent, reachable by 企微, and intent of a chat; they come with the
outreach issue. Soft lenses and surgery are no product kinds of ours. Lower limits of the hyperopia reserve
(WS/T 10039-2025, table 2) are not in our hands: `reserve` is the refraction that they are compared with, and the limit
a parameter of the clinic.
"""


def page() -> str:
    """The whole document."""
    return "\n".join([_HEAD, *_operators(), *(line for group in Group for line in _chapter(group))])


def _operators() -> Iterator[str]:
    yield "| type | operators |"
    yield "|---|---|"
    for kind in FactType:
        yield f"| {kind.value} | {' '.join(f'`{one.value}`' for one in sorted(OPERATORS[kind])) or '–'} |"
    yield ""


def _chapter(group: Group) -> Iterator[str]:
    yield f"## {group.value}"
    yield "| fact | 中文 | type, unit | range | definition | from | unknown |"
    yield "|---|---|---|---|---|---|---|"
    for fact in CATALOGUE.values():
        if fact.group is group and fact.eye is not Eye.OS:
            yield _row(fact)
    yield ""


def _row(fact: Fact) -> str:
    eye = fact.eye is not None
    name = f"`{fact.name.removesuffix('_od')}` ×2" if eye else f"`{fact.name}`"
    kind = ", ".join(filter(None, (fact.kind.value, fact.unit)))
    span = f"{fact.span[0]:f} … {fact.span[1]:f}".replace("-", "−") if fact.span else ""
    feeds = ", ".join(sorted(fact.feeds))
    label = fact.label.removeprefix("右眼")
    return f"| {name} | {label} | {kind} | {span} | {fact.doc} | {feeds} | {fact.unknown_means} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
