"""The words in and around the curves."""

from datetime import date
from decimal import Decimal

from PySide6.QtCore import QObject

from hcrm_core.curves.picture import Conditions, Course, Fan, Mark, Picture, Point, Quantity, Scenario, Sign, Slope
from hcrm_core.terms import Eye, ProductKind
from hcrm_desktop.charts.chart_words import ChartWords
from hcrm_desktop.charts.legend import CLAUSE
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

    def growth_rate(self) -> ChartWords:
        """For the chart of growth of axial length in a year."""
        return self._words_of(self.tr("眼轴增长速度 (mm/年)"))

    def _words_of(self, title: str) -> ChartWords:
        return ChartWords(
            title=title,
            eyes={eye: self._words.eye(eye) for eye in Eye},
            marks=self._marks(),
            signs={
                Sign.CYCLOPLEGIA: self.tr("散瞳"),
                Sign.DEVICE: self.tr("换设备"),
                Sign.TOO_EARLY: self.tr("间隔太短，暂不判断"),
            },
            scenarios=self._scenarios(),
            target=self.tr("正视眼范围"),
            mean=self.tr("同龄近视儿童平均"),
            washout=self.tr("停戴洗脱"),
            fold=self.tr("收起或展开：{title}").format(title=title),
            x_tick=self._x_tick,
            y_tick=self._y_tick,
            level=self._level,
            ribbon=self._ribbon,
            course=self._words.course,
            point=self.point,
            caption=self.caption,
            description=self.description,
        )

    def _marks(self) -> dict[Mark, str]:
        return {
            Mark.SOLID: self.tr("可比"),
            Mark.HOLLOW: self.tr("未散瞳或未记录"),
            Mark.CROSSED: self.tr("戴角塑，不比较"),
        }

    def _scenarios(self) -> dict[Scenario, str]:
        return {
            Scenario.UNTREATED: self.tr("不干预的平均范围"),
            Scenario.PHYSIOLOGICAL: self.tr("生理增长范围"),
            Scenario.TREATED: self.tr("干预后的范围"),
        }

    def point(self, picture: Picture, point: Point) -> str:
        """ "2026-05-01 右眼 24.31 mm P78 8.6岁"; a refraction tells how it was measured and whether it compares."""
        parts = [self._days(point), self._words.eye(point.eye), self._amount(picture, point)]
        if point.percentile:
            parts.append(point.percentile)
        if picture.by_age:
            parts.append(self.tr("{age}岁").format(age=f"{point.x:.1f}"))
        if point.about is not None:
            parts += [self._condition(point.about), self._marks()[point.mark]]
        return " ".join(parts)

    def _days(self, point: Point) -> str:
        if point.since is None:
            return self._words.day(point.on)
        return self.tr("{start} 至 {end}").format(start=self._words.day(point.since), end=self._words.day(point.on))

    def _condition(self, about: Conditions) -> str:
        return " ".join([self._words.cycloplegia(about.cycloplegic), self._words.method(about.method)])

    def caption(self, picture: Picture) -> str:
        """What the chart rests on, or what it lacks."""
        parts = []
        if not picture.points:
            parts.append(self.tr("还没有数据"))
        elif len({point.on for point in picture.points}) == 1 and picture.quantity is not Quantity.GROWTH_RATE:
            parts.append(self.tr("只有一次检查，还看不出变化"))
        if picture.refused:
            parts.append(self._refused(picture.refused))
        elif picture.reference and picture.bands:
            parts.append(self.tr("同龄百分位：{reference}").format(reference=picture.reference))
        parts += self._sources(picture)
        if not parts:
            parts.append(self.tr("只连接可比的检查"))
        return CLAUSE.join(parts)

    def _sources(self, picture: Picture) -> list[str]:
        parts = []
        if picture.target is not None:
            parts.append(self.tr("正视眼：{source}").format(source=picture.target.source))
        parts += [self.tr("平均：{source}").format(source=mean.source) for mean in picture.means]
        fans = dict.fromkeys(fan.source for fan in picture.fans)
        return parts + [self.tr("预测是范围，不是定数：{source}").format(source=source) for source in fans]

    def description(self, picture: Picture) -> str:
        """The whole picture in words."""
        told = [self.point(picture, point) for point in picture.points]
        told += [self._signed(glyph.on, glyph.sign, glyph.device) for glyph in picture.glyphs]
        told += [self._course(course) for course in picture.courses]
        told += [self.slope(slope) for slope in picture.slopes]
        told += [self._fan_end(fan) for fan in picture.fans]
        return self.tr("{caption}。{points}").format(caption=self.caption(picture), points=self.tr("；").join(told))

    def told(self, picture: Picture) -> str:
        """The description under its title, a value on each line."""
        title = {
            Quantity.AXIAL_LENGTH: self.tr("眼轴 (mm)"),
            Quantity.REFRACTION: self.tr("等效球镜 (D)"),
            Quantity.GROWTH_RATE: self.tr("眼轴增长速度 (mm/年)"),
        }[picture.quantity]
        return "\n".join([title, *self.description(picture).split(self.tr("；"))])

    def _signed(self, on: date, sign: Sign, device: str) -> str:
        words = {Sign.CYCLOPLEGIA: self.tr("散瞳"), Sign.DEVICE: self.tr("换设备"), Sign.TOO_EARLY: self.tr("间隔太短")}
        return " ".join(part for part in (self._words.day(on), words[sign], device) if part)

    def _course(self, course: Course) -> str:
        since, until = self._words.day(course.started_on), self._words.day(course.ended_on) if course.ended_on else ""
        days = self.tr("{since} 至 {until}") if until else self.tr("{since} 起")
        return f"{self._words.course(course.percent)} {days.format(since=since, until=until)}"

    def slope(self, slope: Slope) -> str:
        """ "右眼 戴单光镜期间 每年 0.45 ± 0.12 mm（同龄平均 0.40）"."""
        during = self.tr("干预前")
        if slope.product is not None:
            during = self.tr("戴{product}期间").format(product=self._words.product(slope.product))
        told = self.tr("{eye}{during}每年 {rate} ± {error} mm").format(
            eye=self._words.eye(slope.eye), during=during, rate=f"{slope.per_year:.2f}", error=f"{slope.error:.2f}"
        )
        if slope.mean is None:
            return told
        return told + self.tr("（同龄近视儿童平均 {mean}）").format(mean=f"{slope.mean:.2f}")

    def _fan_end(self, fan: Fan) -> str:
        age, low, high = fan.band.xs[-1], fan.band.low[-1], fan.band.high[-1]
        return self.tr("{eye}{scenario}：到 {age} 岁在 {low}–{high} mm 之间").format(
            eye=self._words.eye(fan.eye),
            scenario=self._scenarios()[fan.scenario],
            age=f"{age:.0f}",
            low=f"{low:.1f}",
            high=f"{high:.1f}",
        )

    def _refused(self, code: str) -> str:
        return {
            "sex_unknown": self.tr("性别未知，不画同龄百分位"),
            "birth_unknown": self.tr("出生日期未知，不画同龄百分位"),
            "age_outside": self.tr("超出参考的年龄范围，不画同龄百分位"),
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
        if picture.quantity is Quantity.REFRACTION:
            return self._words.diopters(Decimal(str(y)))
        return f"{y:.1f}".replace("-", "−")

    def _level(self, picture: Picture, level: Decimal) -> str:
        if picture.quantity is Quantity.AXIAL_LENGTH:
            return self.tr("26 mm 高度近视")
        if picture.quantity is Quantity.GROWTH_RATE:
            return self.tr("{level} 增长过快").format(level=f"{level:.2f}")
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
        if picture.quantity is Quantity.GROWTH_RATE:
            return self._rate(point)
        return self.tr("{value} D").format(value=self._words.diopters(point.value))

    def _rate(self, point: Point) -> str:
        value = f"{point.value:.2f}".replace("-", "−")
        if point.error is None:
            return self.tr("{value} mm/年").format(value=value)
        return self.tr("{value} ± {error} mm/年").format(value=value, error=f"{point.error:.2f}")
