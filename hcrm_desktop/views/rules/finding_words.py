"""Findings of the linter in the manager's words: what is odd, and what is probably meant."""

from collections.abc import Mapping

from PySide6.QtCore import QObject

from hcrm_core.facts.catalogue import PER_EYE
from hcrm_core.rules.linting import Finding, Level
from hcrm_core.rules.model import Eyes, Said
from hcrm_desktop.views.rules.wording import RuleWords


class FindingWords(QObject):
    """Turns findings into sentences."""

    def __init__(self, words: RuleWords) -> None:
        super().__init__(words)
        self._words = words

    def level(self, level: Level) -> str:
        return {Level.ERROR: self.tr("错误"), Level.WARNING: self.tr("注意"), Level.HINT: self.tr("提示")}[level]

    def sentence(self, finding: Finding) -> str:
        """One finding; the code of a later release as it is."""
        texts = self._form() | self._logic() | self._shape() | self._values() | self._whole() | self._counts()
        template = texts.get(finding.code)
        return finding.code if template is None else template.format_map(_Filled(self._args(finding)))

    def _args(self, finding: Finding) -> dict[str, str]:
        args = dict(finding.args)
        if "fact" in args:
            eyes = Eyes.EITHER if args["fact"] in PER_EYE else None
            args["fact"] = self._words.fact(args["fact"], eyes=eyes)
        if "parameter" in args:
            args["parameter"] = self._words.parameter_label(args["parameter"])
        for name in ("expected", "found"):
            if name in args:
                args[name] = self._words.said(Said(args[name]))
        return args

    def _form(self) -> dict[str, str]:
        return {
            "fact_unknown": self.tr("还没有选要看的数据，或目录里没有它。"),
            "operator_unsuitable": self.tr("这项数据不能这样比较，请换一种比较。"),
            "value_missing": self.tr("还没有填要比较的值。"),
            "value_superfluous": self.tr("这里不需要值，或值和参数都填了。"),
            "value_unsuitable": self.tr("这个值不合适，请重新填写。"),
            "parameter_unknown": self.tr("没有这个参数，请重选。"),
            "unit_unsuitable": self.tr("参数的单位和这项数据不一致。"),
            "eyes_unsuitable": self.tr("这项数据不分左右眼。"),
            "rule_empty": self.tr("所有条件都停用了，规则是空的。"),
            "rule_cycle": self.tr("引用的规则又引用回了自己。"),
            "rule_unknown": self.tr("引用的规则没有发布，或已停用。"),
            "rule_too_large": self.tr("规则太大，请拆成几条。"),
            "site_unknown": self.tr("院区范围里有不存在的院区。"),
        }

    def _logic(self) -> dict[str, str]:
        return {
            "contradiction": self.tr("互相矛盾：没有客户能同时满足。"),
            "always_true": self.tr("所有客户都满足，这条规则等于没有条件。"),
            "superfluous": self.tr("多余：旁边的条件已经包含了它。"),
            "unreachable": self.tr("没有用：没有客户只靠这一条满足。"),
            "unreachable_branch": self.tr("和外层的条件矛盾，永远不会满足。"),
            "duplicate_rule": self.tr("和规则“{label}”的条件完全相同。"),
            "contained_in_rule": self.tr("符合这条规则的客户，都已符合“{label}”。"),
            "segment_taken": self.tr("规则“{label}”已经在标记这个客群，一个客群只能由一条规则标记。"),
        }

    def _shape(self) -> dict[str, str]:
        return {
            "repeated": self.tr("同一条在这个组里写了两遍。"),
            "lonely_group": self.tr("组里只有一条，可以不用组。"),
            "nested_alike": self.tr("和外层是同一种组，可以合并。"),
            "doubly_negated": self.tr("“不满足”套“不满足”，等于满足。"),
            "muted": self.tr("已停用：不参与判断，发布前请删除或恢复。"),
            "one_eye_only": self.tr("只看了一只眼：另一只眼没有同样的条件。修正为任一眼。"),
            "too_many_conditions": self.tr("有 {n} 个条件，很难看懂，请拆成几条规则。"),
        }

    def _values(self) -> dict[str, str]:
        return {
            "degrees_for_diopters": self.tr("像是把“度”写成了 D：{fact}应在 {low} 到 {high} {unit} 之间。"),
            "sign_slip": self.tr("正负号可能反了：{fact}应在 {low} 到 {high} {unit} 之间，近视为负。"),
            "unit_slip": self.tr("单位可能错了：{fact}应在 {low} 到 {high} {unit} 之间。"),
            "out_of_range": self.tr("超出范围：{fact}应在 {low} 到 {high} {unit} 之间。"),
            "range_reversed": self.tr("前一个值比后一个大，谁也不满足。"),
            "list_of_one": self.tr("只选了一项，用“是”更清楚。"),
            "list_of_all": self.tr("选了全部，等于“有数据”。"),
            "exactly_equal": self.tr("测量值很少正好等于某个数，请考虑用范围。"),
            "fixed_day": self.tr("规则天天运行，固定日期很快过时，请考虑用“距今 … 天”。"),
            "parameter_exists": self.tr("这个数就是参数“{parameter}”，直接引用参数，以后一处修改即可。"),
            "source_missing": self.tr("临床数值没有写依据。"),
            "unknown_under_not": self.tr("在“不满足”里没有数据的客户都会算进来，建议改为“需补检查”。"),
            "unknown_without_effect": self.tr("这里“没有数据时”不起作用。"),
            "empty_record_matches": self.tr("每条都是“没有数据时算满足”：什么都没查过的客户也会进来。"),
            "known_contradicts_unknown": self.tr("既要有数据，又把没有数据算满足，互相矛盾。"),
        }

    def _whole(self) -> dict[str, str]:
        return {
            "label_missing": self.tr("还没有规则名称。"),
            "label_taken": self.tr("已有规则叫“{label}”。"),
            "segment_label_missing": self.tr("还没有客群名称。"),
            "validity_reversed": self.tr("有效期的结束早于开始。"),
            "validity_over": self.tr("有效期已于 {until} 结束，没有客户会进入。"),
            "validity_ends_soon": self.tr("有效期将于 {until} 结束。"),
            "exclusive_alone": self.tr("互斥组“{set}”里只有这一条规则。"),
            "case_fails": self.tr("用例“{case}”应为{expected}，现在是{found}。请改规则，或改这个用例。"),
            "case_unreadable": self.tr("用例“{case}”里有读不懂的数据：{names}。"),
            "priority_tied": self.tr("优先级 {priority} 和“{label}”相同，谁先谁后不清楚。"),
        }

    def _counts(self) -> dict[str, str]:
        return {
            "mostly_unknown": self.tr("{percent}% 的客户没有{fact}，现在都按不算处理。"),
            "matches_nobody": self.tr("今天没有客户符合。"),
            "matches_everybody": self.tr("今天所有客户都符合。"),
            "mostly_open": self.tr("需补检查的有 {open} 人，比符合的 {matching} 人还多。"),
            "overlaps_exclusive": self.tr("和互斥的“{label}”有 {n} 人重叠，按优先级只归一个。"),
            "above_capacity": self.tr("{person} 明天会有 {n} 个任务，超过每天 {capacity} 个。"),
        }


class _Filled(dict[str, str]):
    """What a finding does not tell stays open."""

    def __init__(self, args: Mapping[str, str]) -> None:
        super().__init__(args)

    def __missing__(self, key: str) -> str:
        return "…"
