"""Remarks at their place in the workbook, with what to do about each, in the clinic's language."""

from dataclasses import dataclass
from functools import cache

import yaml

from hcrm_core.errors import Problem, Severity
from hcrm_store.resources import resource

_MASKED = {"national_id"}
_LONGEST_SEEN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One problem of one cell or row.

    Attributes:
        column: the title as it stands in the header; empty where a whole row or sheet is meant.
        seen: what stood there; identity numbers are masked.
        remedy: what is wrong and what to do, one Chinese sentence for the person who keeps the ledger.
    """

    sheet: str
    row: int
    column: str
    code: str
    severity: Severity
    seen: str
    remedy: str

    def as_json(self) -> dict[str, object]:
        return {
            "sheet": self.sheet,
            "row": self.row,
            "column": self.column,
            "code": self.code,
            "severity": self.severity.value,
            "seen": self.seen,
            "remedy": self.remedy,
        }


def remark(problem: Problem, *, sheet: str, row: int, column: str) -> Remark:
    """A problem at its place."""
    parameters = {name: _short(text) for name, text in problem.parameters.items()}
    if problem.field in _MASKED and "seen" in parameters:
        parameters["seen"] = "…" + parameters["seen"][-4:]
    return Remark(
        sheet=sheet,
        row=row,
        column=column,
        code=problem.code,
        severity=problem.severity,
        seen=parameters.get("seen", ""),
        remedy=_sentence(problem.code, parameters),
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SEEN else text[:_LONGEST_SEEN] + "…"


def heading(name: str) -> str:
    """A heading of the error workbook."""
    return _words()["headings"][name]


def _sentence(code: str, parameters: dict[str, str]) -> str:
    return _words()["sentences"][code].format_map(parameters)


@cache
def _words() -> dict[str, dict[str, str]]:
    """Sentences by code, and headings."""
    loaded: dict[str, dict[str, str]] = yaml.safe_load(resource("ledger", "problems.yaml").read_text(encoding="utf-8"))
    return loaded
