"""话术: a talk filled with what is known of one child.

A script is a list of sentences, each with alternatives. The first alternative whose values are all known is
said; if none is, the sentence is left out. So a missing value can never appear as "None", and a growth that
may not be compared is simply not mentioned.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from string import Formatter
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hcrm_core.eye.age import years_and_months
from hcrm_core.terms import Eye, ProductKind

# Refraction is prescribed in steps of 0.25 D; less is within repeatability (docs/rules.md) and not worth a worry.
SMALLEST_GROWTH_TOLD = Decimal("0.25")
_DATE_PARTS = ("year", "month", "day")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptValues:
    """What is known. None is unknown, and is not spoken of.

    Attributes:
        today: the clinic's business date.
        sphere, cylinder: latest refraction by eye, in D; give only values that are not treatment outcomes.
        growth: comparable change by eye, in D, positive is more myopic (`hcrm_core.facts.growth`).
        lens_since: dispense date of the oldest lens worn now.
        due_on: when a recheck is due.
    """

    today: date
    guardian_name: str | None = None
    child_name: str | None = None
    staff_name: str | None = None
    site_name: str | None = None
    last_exam_on: date | None = None
    sphere: dict[Eye, Decimal] | None = None
    cylinder: dict[Eye, Decimal] | None = None
    growth: dict[Eye, Decimal] | None = None
    product: ProductKind | None = None
    lens_since: date | None = None
    due_on: date | None = None


_DATES = ("last_exam_on", "lens_since", "due_on")
_PLAIN = ("guardian", "child", "staff", "site", "product")
_NUMBERS = (
    "months_since_exam", "lens_months", "days_overdue", "growth_od", "growth_os",
    "sphere_od", "sphere_os", "cylinder_od", "cylinder_os",
)  # fmt: skip
PLACEHOLDERS = frozenset(_PLAIN + _NUMBERS) | {f"{name}.{part}" for name in _DATES for part in _DATE_PARTS}


class Script(BaseModel):
    """A talk as data.

    Attributes:
        key: its name.
        label: 中文.
        sentences: alternatives of each sentence, the fullest first. `{growth_od}` is in 度 (1 度 = 0.01 D),
            `{sphere_od}` in D with its sign; a date is written by its parts, ``{due_on.month}月{due_on.day}日``.
        words: what to say for a product, by `terms.ProductKind` value.
        beside: alternatives of the one sentence that is said of this when the family was called about something else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    label: str
    sentences: tuple[tuple[str, ...], ...] = Field(min_length=1)
    words: dict[str, str] = Field(default_factory=dict)
    beside: tuple[str, ...] = ()

    def speaks_of(self, beginning: str) -> bool:
        """Whether any sentence has a placeholder that begins so: what takes long to work out may not be needed."""
        return any(name.startswith(beginning) for text in self._texts() for name in _names(text))

    def _texts(self) -> list[str]:
        return [*self.beside, *(text for one in self.sentences for text in one)]

    @model_validator(mode="after")
    def _known_placeholders(self) -> "Script":
        texts = self._texts()
        unknown = {name for text in texts for name in _names(text)} - PLACEHOLDERS
        if unknown:
            raise ValueError(f"unknown placeholders: {', '.join(sorted(unknown))}")
        if any(spec or conversion for text in texts for _, _, spec, conversion in Formatter().parse(text)):
            raise ValueError("placeholders take no format: write {growth_od}, not {growth_od:5}")
        return self


def render_script(script: Script, values: ScriptValues) -> str:
    """The talk with everything that is known and nothing that is not.

    Example:
        >>> script = Script(key="k", label="l", sentences=(("{guardian}，您好！", "您好！"),))
        >>> render_script(script, ScriptValues(today=date(2026, 11, 22)))
        '您好！'
    """
    known = _known(script, values)
    return "".join(_first_sayable(one, known) for one in script.sentences)


def render_beside(script: Script, values: ScriptValues) -> str:
    """The one sentence about this when the call was made for something else; "" if the script has none."""
    return _first_sayable(script.beside, _known(script, values))


def _known(script: Script, values: ScriptValues) -> dict[str, Any]:
    return {name: value for name, value in _spoken(values, script.words).items() if value not in (None, "")}


def _first_sayable(alternatives: tuple[str, ...], known: dict[str, Any]) -> str:
    for text in alternatives:
        if all(name.split(".")[0] in known for name in _names(text)):
            return text.format(**known)
    return ""


def _names(text: str) -> Iterator[str]:
    return (name for _, name, _, _ in Formatter().parse(text) if name is not None)


def _spoken(values: ScriptValues, words: dict[str, str]) -> dict[str, Any]:
    spoken: dict[str, Any] = {
        "guardian": values.guardian_name,
        "child": values.child_name,
        "staff": values.staff_name,
        "site": values.site_name,
        "product": words.get(values.product) if values.product else None,
        "last_exam_on": values.last_exam_on,
        "lens_since": values.lens_since,
        "due_on": values.due_on,
        "months_since_exam": _months(values.last_exam_on, values.today),
        "lens_months": _months(values.lens_since, values.today),
        "days_overdue": _days_overdue(values),
    }
    for eye in Eye:
        suffix = eye.value.lower()
        spoken[f"growth_{suffix}"] = _growth((values.growth or {}).get(eye))
        spoken[f"sphere_{suffix}"] = _signed((values.sphere or {}).get(eye))
        spoken[f"cylinder_{suffix}"] = _signed((values.cylinder or {}).get(eye))
    return spoken


def _months(since: date | None, today: date) -> int | None:
    """Completed calendar months, as rules count them; less than one is not worth a word."""
    if since is None or since > today:
        return None
    years, months = years_and_months(since, on=today)
    return 12 * years + months or None


def _days_overdue(values: ScriptValues) -> int | None:
    days = (values.today - values.due_on).days if values.due_on else 0
    return days if days > 0 else None


def _growth(diopters: Decimal | None) -> int | None:
    return int(diopters * 100) if diopters is not None and diopters >= SMALLEST_GROWTH_TOLD else None


def _signed(diopters: Decimal | None) -> str | None:
    return None if diopters is None else f"{diopters:+.2f}"
