"""How much the eyes changed, in words. Every figure is `hcrm_core`'s: the study's verdicts, and its growth over
other windows by the same definition."""

from hcrm_core.eye.age import exact_age
from hcrm_core.facts.growth import YEAR, Growth, Window, eye_growth
from hcrm_core.study import AxialVerdict, EyeStudy, Pace, measurements
from hcrm_core.terms import Eye
from hcrm_desktop.report.texts import Texts
from hcrm_desktop.report.values import degrees, short_day, span

# The latest two measurements, however near: a change, and a rate only where growth itself tells one.
LAST = Window(at_least=1, at_most=36_500, nominal=1)


class Changes:
    """The changes of one study."""

    def __init__(self, say: Texts, study: EyeStudy) -> None:
        self._say, self._study = say, study
        inputs = measurements(study.exams)
        self._last = eye_growth(inputs, window=LAST)
        self._year = eye_growth(inputs, window=YEAR)

    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """Label, right eye, left eye. A year is left out where neither eye has one."""
        names = ["last", "recent", *(["year"] if self._has_year() else []), "powers"]
        told = {"last": self._since_last, "recent": self._recent, "year": self._this_year, "powers": self._powers}
        return tuple((self._say(f"change.{name}"), told[name](Eye.OD), told[name](Eye.OS)) for name in names)

    @property
    def has_mean(self) -> bool:
        """Whether a mean stands beside any growth."""
        return any(verdict.mean_mm is not None for verdict in self._study.axial_verdicts.values())

    def _has_year(self) -> bool:
        return any(self._tells_year(eye) for eye in Eye)

    def _tells_year(self, eye: Eye) -> bool:
        """A year that the verdict has not told already."""
        year, recent = self._year[eye].axial, self._study.axial_verdicts[eye].growth
        return year.change is not None and year.from_on != recent.from_on

    # ── axial length ─────────────────────────────────────────────────────────────────────────────────────

    def _since_last(self, eye: Eye) -> str:
        growth = self._last[eye].axial
        if growth.change is None:
            return self._no_axial(self._study.axial_verdicts[eye])
        told = self._told(growth)
        return told if growth.per_year is not None else f"{told}\n{self._say('change.short')}"

    def _recent(self, eye: Eye) -> str:
        verdict = self._study.axial_verdicts[eye]
        if verdict.growth.change is None:
            return self._no_axial(verdict)
        lines = [self._rate(verdict.growth)]
        if verdict.mean_mm is not None:
            lines.append(self._say("change.mean", mean=f"{verdict.mean_mm:.2f}"))
        lines.append(self._pace(verdict))
        return "\n".join(lines)

    def _this_year(self, eye: Eye) -> str:
        growth = self._year[eye].axial
        if growth.change is None:
            return self._refusal(growth)
        told, mean = self._told(growth), self._mean(growth)
        return told if mean is None else f"{told}\n{mean}"

    def _mean(self, growth: Growth) -> str | None:
        birth = self._study.birth
        if birth is None or growth.from_on is None or growth.to_on is None or birth > growth.from_on:
            return None
        published = self._study.references.axial_growth
        mean = published.mm_between(exact_age(birth, on=growth.from_on), age_to=exact_age(birth, on=growth.to_on))
        return None if mean is None else self._say("change.mean", mean=f"{mean:.2f}")

    def _pace(self, verdict: AxialVerdict) -> str:
        if verdict.pace is Pace.UNCOMPARED and not self._study.axial.by_age:
            return self._say("pace.birth_unknown")
        return self._say(f"pace.{verdict.pace.value}")

    def _rate(self, growth: Growth) -> str:
        return self._say(
            "change.rate",
            span=span(self._say, growth.interval_days or 0),
            word=self._direction(growth),
            size=f"{abs(growth.change or 0):.2f}",
            rate=f"{growth.per_year or 0:.2f}".replace("-", "−"),
        )

    def _told(self, growth: Growth) -> str:
        return self._say(
            "change.told",
            word=self._direction(growth),
            size=f"{abs(growth.change or 0):.2f}",
            start=short_day(self._say, growth.from_on),
            end=short_day(self._say, growth.to_on),
            span=span(self._say, growth.interval_days or 0),
        )

    def _direction(self, growth: Growth) -> str:
        return self._say("change.grown" if (growth.change or 0) >= 0 else "change.shrunk")

    def _no_axial(self, verdict: AxialVerdict) -> str:
        if verdict.readings < 2:
            return self._say("change.one_axial" if verdict.readings else "change.no_axial")
        return self._refusal(verdict.growth)

    # ── refraction ───────────────────────────────────────────────────────────────────────────────────────

    def _powers(self, eye: Eye) -> str:
        growth = self._study.refraction_growth[eye]
        if growth.change is None:
            return self._refusal(growth)
        name = "powers_same" if not growth.change else "more_myopic" if growth.change > 0 else "less_myopic"
        return self._say(
            f"change.{name}",
            span=span(self._say, growth.interval_days or 0),
            degrees=degrees(growth.change),
            start=short_day(self._say, growth.from_on),
            end=short_day(self._say, growth.to_on),
        )

    def _refusal(self, growth: Growth) -> str:
        return "" if growth.refusal is None else self._say(f"refusal.{growth.refusal.value}")
