"""SOPs as data: whom to contact when, in what cycle, and what to say.

An SOP's trigger is a tree of the rule language, or membership in a segment, or both. Each cycle begins at a date
fact, the anchor; the ledger holds one task for (customer, SOP, subject, anchor), so a task never comes twice.

A journey is several SOPs that share their anchor, their condition and their words: the steps of wearing an OK lens,
or the calls of a recall. `Journey.sops` writes them out; nothing else knows of journeys.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from pydantic import Field, StrictInt, StrictStr, model_validator

from hcrm_core.errors import Problem, Rejected
from hcrm_core.facts.catalogue import CATALOGUE, FactType
from hcrm_core.rules.checking import check
from hcrm_core.rules.model import AllOf, Condition, Node, Operator, Parameter, StrictModel, refuse_oversized
from hcrm_core.scripts import Script
from hcrm_core.terms import Outcome, Role

Settlement = Literal["arrival", "purchase"]
Interval = StrictInt | StrictStr  # days, or the key of a parameter in days
FURTHEST_DAYS = 3650
HOLDERS = frozenset({Role.ASSISTANT, Role.MANAGER})  # who works on tasks


def in_days(interval: Interval, *, parameters: Mapping[str, Parameter]) -> int:
    """An interval as days.

    Raises:
        Rejected: ``parameter_unknown``.
    """
    if isinstance(interval, int):
        return interval
    if interval not in parameters:
        raise Rejected("parameter_unknown", f"there is no parameter {interval}")
    return int(parameters[interval].value)


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
        journey: the journey it is a step of, or "".
        due_after: from the anchor to the day on which the contact is due, e.g. 7 for the first week of wear.
        lead: how long before that day the task is given.
        lasts: how long after that day it still makes sense; None: as long as the trigger holds.
        every: from one occurrence to the next, for a step that returns: it is due at `due_after`, then again and
            again. The task's cycle is the occurrence; only the present one is given.
        follows: the SOP whose unanswered or declined contact this one takes up, `due_after` days later.
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
    journey: str = ""
    due_after: Interval = 0
    lead: Interval = 0
    lasts: Interval | None = None
    every: Interval | None = None
    follows: str | None = None
    arrival_from: int | None = Field(default=None, ge=0, le=FURTHEST_DAYS)
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
        if self.segment is None and self.when is None and self.follows is None:
            raise ValueError(f"{self.key}: an SOP needs a segment or a condition; an empty one would call everybody")
        return self

    def as_json(self) -> dict[str, Any]:
        """The SOP as stored and sent; `Sop.model_validate` reads it back."""
        return self.model_dump(mode="json", by_alias=True)


def check_sop(sop: Sop, *, parameters: Mapping[str, Parameter]) -> list[Problem]:
    """All problems of an SOP.

    Codes: those of `hcrm_core.rules.check`, ``anchor_unsuitable``, ``summary_without_count``, ``interval_unsuitable``,
    ``owner_missing`` for an owner whose role works on no tasks.
    """
    problems = list(check(sop.when, parameters=parameters)) if sop.when is not None else []
    anchor = CATALOGUE.get(sop.anchor)
    if anchor is None or anchor.kind is not FactType.DATE:
        problems.append(Problem(code="anchor_unsuitable", field="anchor"))
    if "{n}" not in sop.summary:
        problems.append(Problem(code="summary_without_count", field="summary"))
    if sop.owner not in HOLDERS:
        problems.append(Problem(code="owner_missing", field="owner"))
    return problems + [
        Problem(code="interval_unsuitable", field=name)
        for name in ("due_after", "lead", "lasts", "every")
        if not _suits(getattr(sop, name), parameters, least=1 if name == "every" else 0)
    ]


def _suits(interval: Interval | None, parameters: Mapping[str, Parameter], *, least: int) -> bool:
    if isinstance(interval, str):
        parameter = parameters.get(interval)
        return parameter is not None and parameter.unit == "天" and parameter.minimum >= least
    return interval is None or least <= interval <= FURTHEST_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """An SOP's intervals in days, with the parameters in force."""

    due_after: int
    lead: int
    lasts: int | None
    every: int | None


def timing(sop: Sop, *, parameters: Mapping[str, Parameter]) -> Timing:
    """The intervals as they are in force.

    Raises:
        Rejected: ``parameter_unknown``.
    """
    return Timing(
        due_after=in_days(sop.due_after, parameters=parameters),
        lead=in_days(sop.lead, parameters=parameters),
        lasts=None if sop.lasts is None else in_days(sop.lasts, parameters=parameters),
        every=None if sop.every is None else in_days(sop.every, parameters=parameters),
    )


def occurrence_on(when: Timing, *, anchor_on: date, today: date) -> date | None:
    """The anchor of the present cycle: the anchor itself, or the latest occurrence of a step that returns.

    None: the first occurrence is not near enough yet.
    """
    if when.every is None:
        return anchor_on
    passed = (today - anchor_on).days + when.lead - when.due_after
    return None if passed < 0 else anchor_on + timedelta(days=when.due_after + passed // when.every * when.every)


def due_on(when: Timing, *, anchor_on: date, today: date) -> date:
    """The day on which a new task's contact is due: never before the day it is given, so none is born overdue.

    Args:
        when: of the SOP.
        anchor_on: of the cycle, see `occurrence_on`.
        today: the business date.
    """
    after = when.due_after if when.every is None else 0
    return max(anchor_on + timedelta(days=after), today)


def windowed(sop: Sop, when: Timing) -> Node | None:
    """The SOP's own condition, and that today is within its days: what decides, so that evidence tells it."""
    if when.every is not None or sop.follows is not None:
        return sop.when
    near = [_since(sop.anchor, when.due_after - when.lead)] if sop.due_after or sop.lead else []
    past = [] if when.lasts is None else [_until(sop.anchor, when.due_after + when.lasts)]
    parts = (*([sop.when] if sop.when is not None else []), *near, *past)
    return AllOf(every=parts) if len(parts) > 1 else next(iter(parts), None)


def _since(fact: str, days: int) -> Condition:
    """At least so many days ago; for a number below 0, at most so many days ahead."""
    if days < 0:
        return Condition(fact=fact, op=Operator.IN_DAYS_LE, value=-days)
    return Condition(fact=fact, op=Operator.DAYS_AGO_GE, value=days)


def _until(fact: str, days: int) -> Condition:
    return Condition(fact=fact, op=Operator.DAYS_AGO_LE, value=days)


# ── journeys ─────────────────────────────────────────────────────────────────────────────────────────────


class Step(StrictModel):
    """One step of a journey: what it does not say, the journey does. Fields as of `Sop`.

    Attributes:
        sop: key of its SOP, if it is not ``<journey>_<step>``.
    """

    key: str
    sop: str = ""
    label: str
    summary: str
    rank: int = 100
    priority: int = Field(ge=1, le=9)
    when: Node | None = None
    due_after: Interval = 0
    lead: Interval = 0
    lasts: Interval | None = None
    every: Interval | None = None
    follows: str | None = None
    arrival_from: int | None = None
    replaces: tuple[str, ...] = ()
    settled_by: tuple[Settlement, ...] | None = None
    owner: Role | None = None
    outcomes: tuple[Outcome, ...] | None = None
    script: Script | None = None
    citation: str = ""


class Journey(StrictModel):
    """Steps that share an anchor.

    Attributes:
        key: its name; a step's SOP is called ``<journey>_<step>``.
        steps: in order; a step's `follows` and `replaces` name SOPs.
    """

    key: str
    label: str
    requirement: str = "R4.2a"
    segment: str | None = None
    when: Node | None = None
    anchor: str
    settled_by: tuple[Settlement, ...]
    owner: Role = Role.ASSISTANT
    outcomes: tuple[Outcome, ...]
    script: Script
    citation: str = ""
    steps: tuple[Step, ...] = Field(min_length=1)

    def sops(self) -> tuple[Sop, ...]:
        """One SOP a step."""
        return tuple(self._sop(step) for step in self.steps)

    def _sop(self, step: Step) -> Sop:
        said = {name: getattr(step, name) for name in Step.model_fields if name != "sop"}
        own = {name: value for name, value in said.items() if value not in (None, "", ())}
        shared = {name: getattr(self, name) for name in _SHARED}
        both = [one for one in (self.when, step.when) if one is not None]
        named = {"key": step.sop or f"{self.key}_{step.key}", "step_key": step.key, "journey": self.key}
        where = AllOf(every=tuple(both)) if len(both) > 1 else next(iter(both), None)
        return Sop.model_validate(shared | own | named | {"when": where})


_SHARED = ("requirement", "segment", "anchor", "settled_by", "owner", "outcomes", "script", "citation")
