"""Problems in the clinic's words: what is wrong with a value, and what to do."""

from collections.abc import Mapping

from PySide6.QtCore import QObject

from hcrm_core.errors import Problem


class Remarks(QObject):
    """Turns a problem into a short sentence that stands beside its field."""

    def sentence(self, problem: Problem) -> str:
        """One short sentence."""
        sentences = {**self._unreadable(), **self._implausible(), **self._doubtful()}
        text = sentences.get(problem.code, self.tr("请核对这个值"))
        return text.format_map(_Known(problem.parameters))

    def _unreadable(self) -> dict[str, str]:
        return {
            "acuity_unreadable": self.tr("读不懂“{seen}”，写 4.9 或 0.8"),
            "acuity_outside": self.tr("“{seen}”不是视力：五分 3.0–5.3 或小数 0.01–2.0"),
            "acuity_is_decimal": self.tr("像小数视力，请写 0.8 或 4.9"),
            "diopters_unreadable": self.tr("读不懂“{seen}”，写 -3.25 或 325度"),
            "sign_missing": self.tr("“{seen}”没有正负号：近视写 -{seen} 或 {seen}度"),
            "sign_contradicts": self.tr("“{seen}”正负矛盾"),
            "unit_unclear": self.tr("“{seen}”单位不清：写 -3.50 或 350度"),
            "axis_unreadable": self.tr("轴位是 1–180 的整数"),
            "number_unreadable": self.tr("读不懂“{seen}”，请只写数字"),
            "date_ahead": self.tr("检查日期在今天之后"),
            "date_before_birth": self.tr("检查日期早于出生日期"),
        }

    def _implausible(self) -> dict[str, str]:
        return {
            "out_of_range": self.tr("超出 {low}–{high}，不能保存"),
            "degrees_not_diopters": self.tr("像是度数，请写 {seen}度"),
            "unusual": self.tr("少见，通常 {low}–{high}，请核对"),
            "unusual_for_age": self.tr("同龄少见，通常 {allowed}，请核对"),
            "axial_shorter": self.tr("比上次 {before} 短，请复测"),
            "axial_jump": self.tr("比上次 {before} 长得多，请复测"),
            "eyes_swapped": self.tr("两眼都更像对侧眼上次的值，左右是否填反？按 Alt+X 交换"),
            "eyes_differ": self.tr("两眼相差 {seen} {unit}，请核对左右"),
            "topography_advised": self.tr("K 值异常，建议角膜地形图"),
        }

    def _doubtful(self) -> dict[str, str]:
        return {
            "sign_assumed_plus": self.tr("没写正负号，按 {read} 理解"),
            "degrees_assumed": self.tr("“{seen}”按度数理解为 {read} D，请核对"),
            "radius_converted": self.tr("按曲率半径换算为 {read} D"),
            "acuity_off_line": self.tr("视力表没有 {seen} 这一行"),
            "corrected_below_unaided": self.tr("矫正比裸眼差一行以上"),
            "axis_missing": self.tr("有柱镜，缺轴位"),
            "axis_without_cylinder": self.tr("有轴位，没有柱镜"),
            "cylinder_without_sphere": self.tr("有柱镜，缺球镜"),
            "cylinder_blank": self.tr("没有散光请填 0，空着为未知"),
            "k_order": self.tr("K1 应小于 K2，是否填反"),
        }


class _Known(dict[str, str]):
    """Parameters of a sentence; what a problem does not name is left out."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        super().__init__(parameters)

    def __missing__(self, key: str) -> str:
        return ""
