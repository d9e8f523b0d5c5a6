"""What the display may know of a child, and what it says: nothing else of a record reaches its window."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from hcrm_core.eye.age import years_and_months
from hcrm_core.eye.references import TreatmentEffect
from hcrm_core.facts.growth import AxialReading, RefractionReading
from hcrm_core.first_name import first_name
from hcrm_core.study import AxialVerdict, EyeStudy, Pace
from hcrm_core.terms import Eye
from hcrm_desktop.education import Education, OptionCard
from hcrm_desktop.views.record.study import RecordStudy

EXAGGERATED = 5  # times; a millimetre on an eyeball of 24 mm could not be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What the display is given.

    Attributes:
        name: the given name; "" where it cannot be told apart from the surname.
        next_on: the next booked visit, or else the day of the planned recheck.
    """

    name: str
    clinic: str
    eyes: EyeStudy
    next_on: date | None


def telling(study: RecordStudy) -> Telling:
    """The part of a record that may be shown to whoever stands before the screen."""
    head = study.record.header
    return Telling(name=first_name(head.name), clinic=head.site_name, eyes=study.eyes, next_on=head.next_due_on)


def uncorrected(eyes: EyeStudy) -> RefractionReading | None:
    """The latest refraction of the eye with less myopia: with both eyes open it is the one that sees.

    None where nothing was measured, or where a lens that shapes the cornea was worn (reference pack §4.2).
    """
    latest = {one.eye: one for one in eyes.readings}
    if not latest or any(one.worn for one in latest.values()):
        return None
    return max(latest.values(), key=lambda one: one.value)


class Sentences:
    """What is said on the pages."""

    def __init__(self, texts: Education, told: Telling) -> None:
        self._texts, self._told = texts, told
        self.name = told.name or texts("child.unnamed")

    def day(self, on: date) -> str:
        return self._texts("date.day", year=on.year, month=on.month, day=on.day)

    def eye(self, eye: Eye) -> str:
        return self._texts(f"eye.{eye.value}")

    # ── the child's story ────────────────────────────────────────────────────────────────────────────────

    def story(self) -> list[str]:
        """When first seen, and what was worn."""
        exams = self._told.eyes.valid_exams
        if not exams:
            return [self._texts("story.none", name=self.name)]
        return [self._first(exams[0].examined_on), self._texts("story.visits", n=len(exams)), *self._worn()]

    def _first(self, on: date) -> str:
        birth = self._told.eyes.birth
        if birth is None or birth > on:
            return self._texts("story.first", day=self.day(on))
        years, months = years_and_months(birth, on=on)
        return self._texts("story.first_aged", day=self.day(on), years=years, months=months)

    def _worn(self) -> list[str]:
        """Each product from the day its first lens was handed over."""
        worn = sorted((order.dispensed_on, order.product) for order in self._told.eyes.orders if order.dispensed_on)
        runs = [next(run) for _, run in groupby(worn, key=lambda dated: dated[1])]
        return [
            self._texts("story.worn", month=self._month(on), product=self._texts(f"product.{product.value}"))
            for on, product in runs
        ]

    def _month(self, on: date) -> str:
        return self._texts("date.month", year=on.year, month=on.month)

    def growth(self) -> list[str]:
        """One sentence for each eye, beside the mean where one is published."""
        return [self._grown(eye, self._told.eyes.axial_verdicts[eye]) for eye in Eye]

    def _grown(self, eye: Eye, verdict: AxialVerdict) -> str:
        growth = verdict.growth
        if growth.change is None or growth.from_on is None or growth.to_on is None:
            return self._texts("story.early", eye=self.eye(eye))
        name = {Pace.SUSPECT: "remeasure", Pace.STEADY: "still"}.get(verdict.pace, "grown")
        told = self._texts(
            f"story.{name}",
            eye=self.eye(eye),
            start=self._month(growth.from_on),
            end=self._month(growth.to_on),
            change=f"{growth.change:.2f}",
        )
        if verdict.mean_mm is None or verdict.pace is Pace.SUSPECT:
            return told
        return told + self._texts("story.mean", mean=f"{verdict.mean_mm:.2f}")

    def growth_source(self) -> str:
        return self._texts("story.source", source=self._told.eyes.references.axial_growth.label)

    # ── what growth means ────────────────────────────────────────────────────────────────────────────────

    def drawn(self) -> tuple[str, float]:
        """What the drawn eye shows, and by which part of its length it grew."""
        for eye in Eye:
            lengths = [one for one in self._told.eyes.lengths if one.eye is eye]
            if lengths:
                return self._drawn(eye, lengths[0], lengths[-1])
        return self._texts("growth.drawn_nobody"), 0.0

    def _drawn(self, eye: Eye, first: AxialReading, last: AxialReading) -> tuple[str, float]:
        seen = {"eye": self.eye(eye), "last": self._month(last.examined_on), "last_mm": f"{last.value:.2f}"}
        if first.examined_on == last.examined_on:
            return self._texts("growth.drawn_once", **seen), 0.0
        told = self._texts(
            "growth.drawn",
            **seen,
            times=EXAGGERATED,
            first=self._month(first.examined_on),
            first_mm=f"{first.value:.2f}",
        )
        return told, float((last.value - first.value) / first.value)

    def rates(self) -> list[tuple[Eye, Decimal, Decimal | None]]:
        """mm a year of each eye beside the mean. A shorter eye is to be measured again, and not shown as a rate."""
        verdicts = self._told.eyes.axial_verdicts
        return [
            (eye, verdict.growth.per_year, verdict.mean_per_year)
            for eye, verdict in verdicts.items()
            if verdict.growth.per_year is not None and verdict.pace is not Pace.SUSPECT
        ]

    # ── options and the next visit ───────────────────────────────────────────────────────────────────────

    def evidence(self, card: OptionCard) -> tuple[str, tuple[str, ...]]:
        """What trials found, as a range, and each trial by its name."""
        rows = [row for row in self._told.eyes.references.effects if row.treatment in card.treatments]
        if not rows:
            return card.effect, card.sources
        found, months = [row.reduction_mm for row in rows], sorted({row.months for row in rows})
        told = self._texts(
            "options.range" if min(found) < max(found) else "options.one",
            months=months[0] if len(months) == 1 else self._texts("options.months", low=months[0], high=months[-1]),
            low=f"{min(found):.2f}",
            high=f"{max(found):.2f}",
        )
        both = self._texts("options.both", numbers=told, effect=card.effect)
        return both, (*(self._trial(row) for row in rows), *card.sources)

    def _trial(self, row: TreatmentEffect) -> str:
        return self._texts(
            "options.trial",
            population=self._texts.population(row.population),
            months=row.months,
            reduction=f"{row.reduction_mm:.2f}",
            citation=row.citation,
        )

    def next_visit(self) -> str:
        """When to come again."""
        on, today = self._told.next_on, self._told.eyes.today
        if on is None:
            return self._texts("next.none")
        if on < today:
            return self._texts("next.passed", day=self.day(on))
        return self._texts("next.day", day=self.day(on))

    def days_until(self) -> str:
        """How far away that is; "" where it is not ahead."""
        on, today = self._told.next_on, self._told.eyes.today
        if on is None or on < today:
            return ""
        return self._texts("next.today") if on == today else self._texts("next.days", n=(on - today).days)
