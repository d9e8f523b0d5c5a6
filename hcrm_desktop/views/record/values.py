"""The measured values of an eye as people read them, in the order of a slip."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from PySide6.QtCore import QObject

from hcrm_core.eye.acuity import format_acuity
from hcrm_core.eye.refraction import spherical_equivalent
from hcrm_desktop.cache.rows import EyeRow
from hcrm_desktop.views.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a slip.

    Attributes:
        name: the attribute of `EyeRow`; "se" for the spherical equivalent.
        text: the value of an eye in words, "—" where it is unknown.
    """

    name: str
    label: str
    unit: str
    text: Callable[[EyeRow | None], str]


class Values(QObject):
    """Writes measured values."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._words = words
        self.unknown = self.tr("—")

    def lines(self) -> tuple[Line, ...]:
        """All lines in the order of a slip."""
        acuity, power, plain = self._acuity, self._words.diopters, self._plain
        return (
            self._line("ucva", self.tr("裸眼"), "", acuity),
            self._line("bcva", self.tr("矫正"), "", acuity),
            self._line("sphere", self.tr("球镜"), self.tr("D"), power),
            self._line("cylinder", self.tr("柱镜"), self.tr("D"), power),
            self._line("axis", self.tr("轴位"), self.tr("°"), plain),
            Line(name="se", label=self.tr("等效球镜"), unit=self.tr("D"), text=lambda eye: power(equivalent(eye))),
            self._line("axial_length_mm", self.tr("眼轴"), self.tr("mm"), self._hundredths),
            self._line("k1", self.tr("K1"), self.tr("D"), self._hundredths),
            self._line("k2", self.tr("K2"), self.tr("D"), self._hundredths),
            self._line("iop_mmhg", self.tr("眼压"), self.tr("mmHg"), plain),
            self._line("cct_um", self.tr("CCT"), self.tr("µm"), plain),
        )

    def _line(self, name: str, label: str, unit: str, write: Callable[[Decimal | None], str]) -> Line:
        def text(eye: EyeRow | None) -> str:
            return write(None if eye is None else getattr(eye, name))

        return Line(name=name, label=label, unit=unit, text=text)

    def _acuity(self, mark: Decimal | None) -> str:
        return self.unknown if mark is None else format_acuity(mark)

    def _hundredths(self, value: Decimal | None) -> str:
        return self.unknown if value is None else f"{value:.2f}"

    def _plain(self, value: Decimal | int | None) -> str:
        return self.unknown if value is None else f"{Decimal(value).normalize():f}"


def equivalent(eye: EyeRow | None) -> Decimal | None:
    """Spherical equivalent, D; unknown without a cylinder, as growth has it."""
    return None if eye is None else spherical_equivalent(eye.sphere, cylinder=eye.cylinder)
