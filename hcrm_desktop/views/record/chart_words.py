"""The words in and around the curves."""

from datetime import date
from decimal import Decimal

from PySide6.QtCore import QObject

from hcrm_core.curves.picture import Mark, Picture, Point, Quantity
from hcrm_core.terms import Eye, ProductKind
from hcrm_desktop.charts.chart_words import ChartWords
from hcrm_desktop.charts.eye_chart import CLAUSE
from hcrm_desktop.views.words import Words


class CurveWords(QObject):
    """Ticks, read-outs and captions."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._words = words

    def axial_length(self) -> ChartWords:
        """For the chart of axial lengths."""
        return self._words_of(self.tr("眼轴 (mm)"))

    def refraction(self) -> ChartWords:
        """For the chart of spherical equivalents."""
        return self._words_of(self.tr("等效球镜 (D)"))

    def _words_of(self, title: str) -> ChartWords:
        return ChartWords(
            title=title,
            eyes={eye: self._words.eye(eye) for eye in Eye},
            marks={
                Mark.SOLID: self.tr("可比"),
                Mark.HOLLOW: self.tr("未散瞳或未记录"),
                Mark.CROSSED: self.tr("戴角塑，不比较"),
            },
            x_tick=self._x_tick,
            y_tick=self._y_tick,
            level=self._level,
            ribbon=self._ribbon,
            point=self.point,
            caption=self.caption,
            description=self.description,
        )

    def point(self, picture: Picture, point: Point) -> str:
        """ "2026-05-01 右眼 24.31 mm P78"."""
        parts = [self._words.day(point.on), self._words.eye(point.eye), self._amount(picture, point)]
        if point.percentile:
            parts.append(point.percentile)
        if point.mark is not Mark.SOLID:
            marks = {Mark.HOLLOW: self.tr("未散瞳或未记录"), Mark.CROSSED: self.tr("戴角塑，不比较")}
            parts.append(marks[point.mark])
        return " ".join(parts)

    def caption(self, picture: Picture) -> str:
        """What the chart rests on, or what it lacks."""
        parts = []
        if not picture.points:
            parts.append(self.tr("还没有数据"))
        elif len({point.on for point in picture.points}) == 1:
            parts.append(self.tr("只有一次检查，还看不出变化"))
        if picture.refused:
            parts.append(self._refused(picture.refused))
        elif picture.reference:
            parts.append(self.tr("同龄百分位：{reference}").format(reference=picture.reference))
        if not parts:
            parts.append(self.tr("只连接可比的检查"))
        return CLAUSE.join(parts)

    def description(self, picture: Picture) -> str:
        """The whole picture in words."""
        told = self.tr("；").join(self.point(picture, point) for point in picture.points)
        return self.tr("{caption}。{points}").format(caption=self.caption(picture), points=told)

    def _refused(self, code: str) -> str:
        return {
            "sex_unknown": self.tr("性别未知，不画同龄百分位"),
            "birth_unknown": self.tr("出生日期未知，不画同龄百分位"),
            "age_outside": self.tr("超出参考年龄 6–15 岁，不画同龄百分位"),
        }[code]

    def _x_tick(self, picture: Picture, x: float) -> str:
        if not picture.by_age:
            return self._date_tick(date.fromordinal(int(x)))
        years, part = divmod(x, 1)
        text = self.tr("{years}岁半") if part else self.tr("{years}岁")
        return text.format(years=int(years))

    def _date_tick(self, day: date) -> str:
        if day.month == 1:
            return self.tr("{year}年").format(year=day.year)
        return self.tr("{month}月").format(month=day.month)

    def _y_tick(self, picture: Picture, y: float) -> str:
        if picture.quantity is Quantity.AXIAL_LENGTH:
            return f"{y:.1f}"
        return self._words.diopters(Decimal(str(y)))

    def _level(self, picture: Picture, level: Decimal) -> str:
        if picture.quantity is Quantity.AXIAL_LENGTH:
            return self.tr("26 mm 高度近视")
        return {
            Decimal("-0.50"): self.tr("−0.50 近视"),
            Decimal("-3.00"): self.tr("−3.00 中度"),
            Decimal("-6.00"): self.tr("−6.00 高度"),
        }[level]

    def _ribbon(self, eye: Eye, product: ProductKind) -> str:
        side = self.tr("右") if eye is Eye.OD else self.tr("左")
        return self.tr("{side} {product}").format(side=side, product=self._words.product(product))

    def _amount(self, picture: Picture, point: Point) -> str:
        if picture.quantity is Quantity.AXIAL_LENGTH:
            return self.tr("{value} mm").format(value=f"{point.value:.2f}")
        return self.tr("{value} D").format(value=self._words.diopters(point.value))
