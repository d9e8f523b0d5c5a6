"""Is this eye growing too fast: the answer in words."""

from decimal import Decimal

from PySide6.QtCore import QObject

from hcrm_core.facts.growth import Growth, Refusal
from hcrm_core.study import AxialVerdict, EyeStudy, Pace
from hcrm_core.terms import Eye
from hcrm_desktop.views.words import Words

TONES = {Pace.FAST: "danger", Pace.ABOVE: "warn", Pace.SUSPECT: "warn", Pace.BELOW: "ok", Pace.STEADY: "ok"}


class VerdictWords(QObject):
    """Turns growth into words, and refusals into reasons."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._words = words

    def headline(self, verdict: AxialVerdict) -> str:
        """ "+0.22 mm"; a word if there is no growth to tell."""
        if verdict.growth.change is None:
            return self.tr("暂不判断")
        return self.tr("{change} mm").format(change=self._millimetres(verdict.growth.change))

    def judgement(self, verdict: AxialVerdict) -> str:
        """The pace in a few words."""
        return {
            Pace.REFUSED: "",
            Pace.SUSPECT: self.tr("比上次短，请复测"),
            Pace.FAST: self.tr("增长过快"),
            Pace.STEADY: self.tr("没有明显增长"),
            Pace.ABOVE: self.tr("快于同龄平均"),
            Pace.LIKE: self.tr("与同龄平均相当"),
            Pace.BELOW: self.tr("慢于同龄平均"),
            Pace.UNCOMPARED: self.tr("没有同龄参考"),
        }[verdict.pace]

    def detail(self, verdict: AxialVerdict) -> str:
        """Over which time, beside which mean; or why there is nothing to tell."""
        growth = verdict.growth
        if growth.interval_days is None:
            return self._no_axial_growth(verdict)
        # Which two days: an old pair must not pass for news.
        between = self.tr("{start} 至 {end}，{span}").format(
            start=self._words.day(growth.from_on),
            end=self._words.day(growth.to_on),
            span=self._words.span(growth.interval_days),
        )
        parts = [between]
        if growth.per_year is not None:
            parts.append(self.tr("折合 {rate} mm/年").format(rate=self._millimetres(growth.per_year)))
        if verdict.mean_mm is not None:
            parts.append(self.tr("同龄近视儿童平均 {mean} mm").format(mean=f"{verdict.mean_mm:.2f}"))
        return " · ".join(parts)

    def sources(self, study: EyeStudy, verdict: AxialVerdict) -> str:
        """Where the numbers come from."""
        mean, growth = study.references.axial_growth, verdict.growth
        lines = [
            self.tr("平均值：{citation} 6、10.5、15 岁之间线性插值。").format(citation=mean.citation),
            self.tr("增长过快：每年 ≥0.40 mm（防控指南资料）；差别在 ±0.06 mm（测量误差）以内视为相当。"),
        ]
        if growth.from_on is not None:
            between = self.tr("比较 {start} 与 {end} 两次检查。")
            lines.insert(0, between.format(start=self._words.day(growth.from_on), end=self._words.day(growth.to_on)))
        return "\n".join(lines)

    def sentence(self, study: EyeStudy) -> str:
        """Both eyes, axial length and refraction, in one sentence."""
        return self.tr("{clauses}；{refraction}").format(
            clauses=self.axial_sentence(study), refraction=self.refraction_sentence(study)
        )

    def axial_sentence(self, study: EyeStudy) -> str:
        """Both eyes' growth of axial length beside the mean, or why it is too early to tell."""
        return self.tr("；").join(self._axial_clause(eye, study.axial_verdicts[eye]) for eye in Eye)

    def refraction_sentence(self, study: EyeStudy) -> str:
        """Both eyes' refraction; one reason where it is the same for both."""
        refraction = [self._refraction_clause(eye, study.refraction_growth[eye]) for eye in Eye]
        if study.refraction_growth[Eye.OD].refusal is study.refraction_growth[Eye.OS].refusal is not None:
            refraction = [self.tr("屈光：{why}").format(why=self._why(study.refraction_growth[Eye.OD]))]
        return self.tr("{clauses}。").format(clauses=self.tr("；").join(refraction))

    def _axial_clause(self, eye: Eye, verdict: AxialVerdict) -> str:
        name, growth = self._words.eye(eye), verdict.growth
        if growth.change is None or growth.interval_days is None:
            return self.tr("{eye}眼轴：{why}").format(eye=name, why=self._no_axial_growth(verdict))
        told = self.tr("{eye}{span}眼轴{change} mm").format(
            eye=name, span=self._words.span(growth.interval_days), change=self._grown(growth.change)
        )
        if verdict.mean_mm is None:
            return told
        return told + self.tr("（同龄近视儿童平均 {mean}）").format(mean=f"{verdict.mean_mm:.2f}")

    def _grown(self, change: Decimal) -> str:
        word = self.tr("增长 {size}") if change >= 0 else self.tr("缩短 {size}")
        return word.format(size=f"{abs(change):.2f}")

    def _refraction_clause(self, eye: Eye, growth: Growth) -> str:
        name = self._words.eye(eye)
        if growth.change is None or growth.interval_days is None:
            return self.tr("{eye}屈光：{why}").format(eye=name, why=self._why(growth))
        span = self._words.span(growth.interval_days)
        if growth.change == 0:
            return self.tr("{eye}{span}度数没有变化").format(eye=name, span=span)
        word = self.tr("{eye}{span}近视加深 {size} D") if growth.change > 0 else self.tr("{eye}{span}近视减少 {size} D")
        return word.format(eye=name, span=span, size=f"{abs(growth.change):.2f}")

    def _no_axial_growth(self, verdict: AxialVerdict) -> str:
        if verdict.readings == 0:
            return self.tr("还没有测过眼轴")
        if verdict.readings == 1:
            return self.tr("只有一次眼轴，下次复查后再比较")
        return self._why(verdict.growth)

    def _why(self, growth: Growth) -> str:
        if growth.refusal is None:
            return ""
        return {
            Refusal.NO_PAIR: self.tr("没有间隔合适的两次检查，暂不比较"),
            Refusal.INTERVAL_TOO_SHORT: self.tr("两次间隔不足 150 天，变化可能只是测量误差"),
            Refusal.NOT_COMPARABLE: self.tr("散瞳、验光方法或戴镜状态不同（或未记录），不作比较"),
            Refusal.OK_WEAR: self.tr("戴角塑时的度数是治疗效果，不作比较，请看眼轴"),
        }[growth.refusal]

    def _millimetres(self, value: Decimal) -> str:
        return f"{value:+.2f}".replace("-", "−")
