"""One line of a table of goals and measurements."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured beside its goal.

    Attributes:
        met: None where there is no goal.
        beside: the baseline of the same run.
    """

    name: str
    measured: str
    goal: str
    met: bool | None
    beside: str = ""


def table(figures: Iterable[Figure]) -> str:
    """Lines of a table in Markdown."""
    words = {True: "yes", False: "**no**", None: ""}
    lines = ["| | measured | goal | met | beside it |", "|---|---|---|---|---|"]
    lines += [f"| {one.name} | {one.measured} | {one.goal} | {words[one.met]} | {one.beside} |" for one in figures]
    return "\n".join(lines)
