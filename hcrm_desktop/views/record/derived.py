"""派生值: what follows from the latest values of both eyes. Formula and source are told on hover."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from hcrm_core.eye.percentiles import Refused
from hcrm_core.facts.derived import Derived
from hcrm_core.record import ExamRecord
from hcrm_core.study import EyeStudy
from hcrm_core.terms import Eye
from hcrm_desktop.views.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedColumn:
    """One value of each eye."""

    title: str
    source: str
    text: Callable[[Derived], str]


class DerivedTable(QWidget):
    """A line an eye; hidden where nothing follows."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words
        self._columns = self._made_columns()
        self._note = QLabel(wordWrap=True)
        self._grid = QGridLayout(self)
        self._cells: dict[Eye, list[QLabel]] = {}
        self.setAccessibleName(self.tr("派生值"))
        self._build()

    def show_exam(self, study: EyeStudy, exam: ExamRecord | None) -> None:
        """What follows from an examination."""
        found = {eye: study.derived(exam, eye=eye) for eye in Eye} if exam is not None else {}
        known = {eye: one for eye, one in found.items() if one.vector is not None or one.mean_power is not None}
        self.setVisible(bool(known))
        for eye, one in known.items():
            for cell, column in zip(self._cells[eye], self._columns, strict=True):
                cell.setText(column.text(one))
        for eye, cells in self._cells.items():
            for cell in cells if eye not in known else ():
                cell.setText(self.tr("—"))
        self._note.setText(self._refused(list(known.values())))
        self._note.setVisible(bool(self._note.text()))

    def _build(self) -> None:
        self._grid.setContentsMargins(0, 4, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(0)
        self._grid.addWidget(self._label(self.tr("派生"), "small"), 0, 0)
        for number, column in enumerate(self._columns, 1):
            self._grid.addWidget(self._label(column.title, "small", tip=column.source), 0, number)
            self._grid.setColumnStretch(number, 1)
        sides = {Eye.OD: self.tr("右"), Eye.OS: self.tr("左")}
        for row, (eye, side) in enumerate(sides.items(), 1):
            self._grid.addWidget(self._label(side, "small"), row, 0)
            self._cells[eye] = [self._label("", "muted", tip=column.source) for column in self._columns]
            for number, cell in enumerate(self._cells[eye], 1):
                self._grid.addWidget(cell, row, number)
        self._note.setProperty("role", "small")
        self._grid.addWidget(self._note, 3, 0, 1, len(self._columns) + 1)

    def _label(self, text: str, role: str, *, tip: str = "") -> QLabel:
        label = QLabel(text)
        label.setToolTip(tip)
        label.setProperty("role", role)
        label.setAlignment(Qt.AlignmentFlag.AlignRight if tip else Qt.AlignmentFlag.AlignLeft)
        return label

    def _made_columns(self) -> tuple[DerivedColumn, ...]:
        vector = self.tr(
            "屈光向量，散光的变化按它比较：M = 球镜 + 柱镜 / 2（WS/T 663-2020 §3.5），"
            "J0 = −(柱镜 / 2)·cos 2θ，J45 = −(柱镜 / 2)·sin 2θ"
        )
        power = self.tr("(K1 + K2) / 2，单位 D；按指数 1.3375 理解，设备用的指数没有记录，指数不同的设备不能直接比")
        radius = self.tr("平均 K 的曲率半径，mm：337.5 / K（指数 1.3375）；不等于两个半径的平均")
        ratio = self.tr(
            "眼轴 / 平均 K 的曲率半径（Chen 2025、Mu 2022）；戴角塑或停戴不足 28 天不算，戴镜状态不明也不算"
        )
        return (
            DerivedColumn(title=self.tr("M"), source=vector, text=lambda one: self._vector(one, "m")),
            DerivedColumn(title=self.tr("J0"), source=vector, text=lambda one: self._vector(one, "j0")),
            DerivedColumn(title=self.tr("J45"), source=vector, text=lambda one: self._vector(one, "j45")),
            DerivedColumn(title=self.tr("平均K"), source=power, text=lambda one: self._plain(one.mean_power)),
            DerivedColumn(title=self.tr("半径"), source=radius, text=lambda one: self._plain(one.mean_radius)),
            DerivedColumn(title=self.tr("AL/CR"), source=ratio, text=self._ratio),
        )

    def _vector(self, one: Derived, part: str) -> str:
        return self.tr("—") if one.vector is None else self._words.diopters(getattr(one.vector, part))

    def _plain(self, value: Decimal | None) -> str:
        return self.tr("—") if value is None else str(value)

    def _ratio(self, one: Derived) -> str:
        return self._plain(None if isinstance(one.ratio, Refused) else one.ratio)

    def _refused(self, shown: list[Derived]) -> str:
        """Why there is no AL/CR although there is a cornea to divide by."""
        codes = [one.ratio.code for one in shown if isinstance(one.ratio, Refused) and one.mean_power is not None]
        reasons = {
            "ok_wear": self.tr("AL/CR 不算：角塑改变了角膜"),
            "lens_unknown": self.tr("AL/CR 不算：不知道是否戴角塑"),
            "length_unknown": self.tr("AL/CR：没有测眼轴"),
        }
        return self.tr("；").join(dict.fromkeys(reasons[code] for code in codes if code in reasons))
