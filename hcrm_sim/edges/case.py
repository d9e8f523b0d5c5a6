"""The shape of an edge customer, and short ways to write one down."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from hcrm_core.terms import Eye, LensState, Outcome, ProductKind, RefractionMethod, Sex, VisitState

Pair = tuple[float | None, float | None]  # right, left


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeExam:
    """One exam: spherical equivalents in D with no cylinder, axial lengths in mm, CCT in µm, K in D."""

    on: date
    se: Pair = (None, None)
    axial: Pair = (None, None)
    cct: Pair = (None, None)
    k_flat: float = 42.5  # of both eyes, where anything was measured
    cycloplegic: bool | None = False
    method: RefractionMethod = RefractionMethod.AUTOREFRACTION
    state: LensState = LensState.SPECTACLES
    washout_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeOrder:
    """Lenses of one day."""

    product: ProductKind
    on: date
    eyes: tuple[Eye, ...] = (Eye.OD, Eye.OS)
    ended_on: date | None = None
    end_reason: str = ""  # a key of words.json: end_reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeDrops:
    """A course of atropine."""

    percent: float
    on: date
    ended_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeCase:
    """A customer who stands at the edge of a rule, a curve or a screen.

    Attributes:
        key: unique, in words: what tests and people look it up by.
        why: which edge, and on which side.
        family: key of a case whose guardian this child shares.
        plans: planned on, due on.
    """

    key: str
    why: str
    born: date | None
    sex: Sex | None = Sex.FEMALE
    name: str = ""
    filed_on: date | None = None
    family: str = ""
    phone: bool = True
    do_not_contact: bool = False
    open_lead: str = ""  # a LeadKind
    exams: tuple[EdgeExam, ...] = ()
    orders: tuple[EdgeOrder, ...] = ()
    drops: tuple[EdgeDrops, ...] = ()
    visits: tuple[tuple[date, VisitState], ...] = ()
    plans: tuple[tuple[date, date], ...] = ()
    follow_ups: tuple[tuple[date, Outcome], ...] = ()

    def but(self, **changes: object) -> "EdgeCase":
        """This case with some things different."""
        return replace(self, **changes)  # type: ignore[arg-type]  # checked by the dataclass itself


def ago(today: date, days: int) -> date:
    return today - timedelta(days=days)


def series(points: Iterable[tuple[date, float]], *, axial: float = 24.00, **options: object) -> tuple[EdgeExam, ...]:
    """Exams whose spherical equivalent moves as given, both eyes alike, axial length in step.

    Args:
        points: day and SE of each exam.
        axial: length at the first exam; 1.75 D fall with each mm (docs/simulation.md).
        options: what all exams have in common.
    """
    found = list(points)
    begin = found[0][1]
    return tuple(
        EdgeExam(on=on, se=(se, se), axial=(length, length), **options)  # type: ignore[arg-type]
        for on, se in found
        for length in [round(axial + (begin - se) / 1.75, 2)]
    )


def arrived(*days: date) -> tuple[tuple[date, VisitState], ...]:
    return tuple((day, VisitState.ARRIVED) for day in days)
