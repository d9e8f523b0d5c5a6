"""SOPs as data: whom to contact when, in what cycle, and what to say.

An SOP's trigger is a tree of the rule language, or membership in a segment, or both. Each cycle begins at a date
fact, the anchor; the ledger holds one task for (customer, SOP, subject, anchor), so a task never comes twice.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from hcrm_core.errors import Problem
from hcrm_core.facts.catalogue import CATALOGUE, FactType
from hcrm_core.rules.checking import check
from hcrm_core.rules.model import Node, Parameter, StrictModel, refuse_oversized
from hcrm_core.scripts import Script
from hcrm_core.terms import Outcome, Role

Settlement = Literal["arrival", "purchase"]


class Sop(StrictModel):
    """A standard procedure.

    Attributes:
        key: its name; a task carries it.
        label: 中文, e.g. ``换片提醒``.
        summary: the day's count in words, with ``{n}``.
        requirement: the line it answers.
        rank: order of display.
        priority: 1 first; also the order in which the scan deals, so the more urgent task wins.
        step_key: which step of a journey this is.
        segment: only customers in this segment, or None.
        when: only customers for whom this tree holds, or None.
        anchor: the date fact at which a cycle begins.
        due_after: days after the anchor on which the contact is due, e.g. 7 for the first week of wear.
        arrival_from: days after the anchor from which an arrival is this step's own; None if the trigger knows.
        replaces: SOPs whose open tasks this one makes needless; a task already begun is left to its owner, and
            this SOP then waits.
        settled_by: what closes the task by itself: the child came, or bought.
        owner: whose work it is.
        outcomes: those offered first when the contact is recorded.
        script: what to say.
        citation: where the interval comes from.
    """

    key: str
    label: str
    summary: str
    requirement: str = "R4.2a"
    rank: int = 100
    priority: int = Field(ge=1, le=9)
    step_key: str
    segment: str | None = None
    when: Node | None = None
    anchor: str
    due_after: int = Field(default=0, ge=0, le=3650)
    arrival_from: int | None = Field(default=None, ge=0, le=3650)
    replaces: tuple[str, ...] = ()
    settled_by: tuple[Settlement, ...]
    owner: Role = Role.ASSISTANT
    outcomes: tuple[Outcome, ...]
    script: Script
    citation: str = ""

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, raw: Any) -> Any:
        if isinstance(raw, dict):
            refuse_oversized(raw.get("when"))
        return raw

    @model_validator(mode="after")
    def _triggered(self) -> "Sop":
        if self.segment is None and self.when is None:
            raise ValueError(f"{self.key}: an SOP needs a segment or a condition; an empty one would call everybody")
        return self

    def as_json(self) -> dict[str, Any]:
        """The SOP as stored and sent; `Sop.model_validate` reads it back."""
        return self.model_dump(mode="json", by_alias=True)


def check_sop(sop: Sop, *, parameters: Mapping[str, Parameter]) -> list[Problem]:
    """All problems of an SOP.

    Codes: those of `hcrm_core.rules.check`, ``anchor_unsuitable``, ``summary_without_count``.
    """
    problems = list(check(sop.when, parameters=parameters)) if sop.when is not None else []
    anchor = CATALOGUE.get(sop.anchor)
    if anchor is None or anchor.kind is not FactType.DATE:
        problems.append(Problem(code="anchor_unsuitable", field="anchor"))
    if "{n}" not in sop.summary:
        problems.append(Problem(code="summary_without_count", field="summary"))
    return problems


def due_on(sop: Sop, *, anchor_on: date, today: date) -> date:
    """The day on which a new task's contact is due: never before the day it is given, so none is born overdue."""
    return max(anchor_on + timedelta(days=sop.due_after), today)
