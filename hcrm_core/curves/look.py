"""The words and colours of a printed chart, given by whoever prints it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from hcrm_core.curves.picture import Mark, Picture, Quantity, Scenario, Sign
from hcrm_core.terms import Eye, ProductKind

MINUS = "−"  # what a person prints before a number, not the hyphen of a keyboard


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureWords:
    """Every word on a printed chart; templates in braces.

    Attributes:
        sides: an eye in one character, on a ribbon.
        levels: names of definition lines.
        fan: with `scenario` and `source`; it says that this is a range.
        medicine, medicine_alone: a course, with its `percent` or without.
        refusals: why there are no percentiles, by code.
    """

    titles: Mapping[Quantity, str]
    eyes: Mapping[Eye, str]
    sides: Mapping[Eye, str]
    products: Mapping[ProductKind, str]
    levels: Mapping[tuple[Quantity, Decimal], str]
    marks: Mapping[Mark, str]
    signs: Mapping[Sign, str]
    scenarios: Mapping[Scenario, str]
    refusals: Mapping[str, str]
    age: str
    half_age: str
    year: str
    month: str
    reference: str
    target: str
    mean: str
    fan: str
    washout: str
    medicine: str
    medicine_alone: str
    empty: str
    single: str

    def x_tick(self, picture: Picture, x: float) -> str:
        """An age, or a day's month or year where the birth date is unknown."""
        if picture.by_age:
            years, part = divmod(x, 1)
            return (self.half_age if part else self.age).format(years=int(years))
        day = date.fromordinal(int(x))
        return self.year.format(year=day.year) if day.month == 1 else self.month.format(month=day.month)

    def y_tick(self, picture: Picture, y: float) -> str:
        if picture.quantity is Quantity.REFRACTION:
            return f"{y:+.2f}".replace("-", MINUS) if y else "0.00"
        return f"{y:.1f}".replace("-", MINUS)

    def course(self, percent: Decimal | None) -> str:
        return self.medicine_alone if percent is None else self.medicine.format(percent=f"{percent.normalize():f}")

    def notes(self, picture: Picture) -> list[str]:
        """What the chart rests on, a line each: every source with its name and version, or what is missing."""
        notes = [self.empty] if not picture.points else []
        if len(picture.points) and len({point.on for point in picture.points}) == 1:
            notes.append(self.single)
        if picture.refused:
            notes.append(self.refusals[picture.refused])
        elif picture.reference and picture.bands:
            notes.append(self.reference.format(reference=picture.reference))
        if picture.target:
            notes.append(self.target.format(source=picture.target.source))
        notes += [self.mean.format(source=mean.source) for mean in picture.means]
        return notes + self._fan_notes(picture)

    def _fan_notes(self, picture: Picture) -> list[str]:
        told = {(fan.scenario, fan.source) for fan in picture.fans}
        return [self.fan.format(scenario=self.scenarios[one], source=source) for one, source in sorted(told)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureColours:
    """Colours of a printed chart. The defaults are the product's light theme, for paper and screens of parents.

    Attributes:
        bands: percentile bands, outer to inner.
        products: ink and ground of a ribbon.
    """

    surface: str = "#FFFFFF"
    text: str = "#14252B"
    text2: str = "#566A72"
    border: str = "#D3DDE0"
    grid: str = "#DDE5E7"
    warn: str = "#9A5B00"
    target: str = "#23734A"
    right: str = "#B4432B"
    left: str = "#2560AE"
    bands: tuple[str, str, str] = ("#E4F1F2", "#CFE6E8", "#B5D8DB")
    ok_lens: tuple[str, str] = ("#0B7480", "#DCEFF0")
    functional: tuple[str, str] = ("#23734A", "#DFF1E7")
    single_vision: tuple[str, str] = ("#566A72", "#EDF2F3")
    medicine: tuple[str, str] = ("#9A5B00", "#FBEFDD")

    def eye(self, eye: Eye) -> str:
        return self.right if eye is Eye.OD else self.left

    def product(self, product: ProductKind) -> tuple[str, str]:
        return {
            ProductKind.OK_LENS: self.ok_lens,
            ProductKind.FUNCTIONAL: self.functional,
            ProductKind.SINGLE_VISION: self.single_vision,
        }[product]

    def scenario(self, scenario: Scenario) -> str:
        return {
            Scenario.UNTREATED: self.warn,
            Scenario.PHYSIOLOGICAL: self.target,
            Scenario.TREATED: self.ok_lens[0],
        }[scenario]
