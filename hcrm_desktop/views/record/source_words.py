"""来源 in words: badges, kinds of rows, and what the columns of a feed are called here."""

from PySide6.QtCore import QObject

from hcrm_core.source import SourceField, SourceKind, SourceRow
from hcrm_core.terms import Source
from hcrm_desktop.views.words import Words

# A colour for where a row was written; the word beside it says the same.
TONES = {
    Source.HIS: "info",
    Source.SALES: "info",
    Source.SCREENING: "info",
    Source.DEVICE: "info",
    Source.LEDGER: "warn",  # typed by hand before it was imported
    Source.WORKSTATION: "good",
    Source.SIMULATION: "neutral",
}


class SourceWords(QObject):
    """Writes source rows. A column of a later release is shown as it came."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._words = words

    def kind(self, kind: str) -> str:
        names: dict[str, str] = {
            SourceKind.CUSTOMER: self.tr("客户资料"),
            SourceKind.EXAM: self.tr("检查"),
            SourceKind.LENS_ORDER: self.tr("配镜单"),
            SourceKind.MEDICATION: self.tr("用药"),
            SourceKind.VISIT: self.tr("到院"),
            SourceKind.RECHECK_PLAN: self.tr("复查计划"),
            SourceKind.FOLLOW_UP: self.tr("跟进"),
            SourceKind.LEAD: self.tr("线索"),
        }
        return names.get(kind, kind)

    def choice(self, number: int, row: SourceRow) -> str:
        """One of several, to choose from."""
        text = self.tr("第 {n} 条 · {source} · {feed} · {when}")
        source = self._words.source(row.source)
        return text.format(n=number, source=source, feed=self.kind(row.feed), when=self._moment(row))

    def origin(self, row: SourceRow) -> str:
        """Where exactly: the sheet or the feed, the file, when, under which key."""
        parts = [self.kind(row.feed), row.file_name, self.tr("{when} 导入").format(when=self._moment(row))]
        if row.key:
            parts.append(self.tr("编号 {key}").format(key=row.key))
        return self.tr(" · ").join(parts)

    def notes(self, row: SourceRow) -> list[str]:
        """What a reader has to know before he relies on it."""
        withheld = self.tr("另有 {n} 个字段不在您的权限内。").format(n=row.withheld)
        return [
            *([self.tr("这是它更正前（或更正后）那一版的原始记录。")] if row.of_version else []),
            *([self.tr("这次导入后来被撤销；已有人处理过，所以留下。")] if row.undone else []),
            *([withheld] if row.withheld else []),
        ]

    def label(self, row: SourceRow, field: SourceField) -> str:
        """A title of the ledger as it stands; a column of a feed in words, with its own name behind."""
        if row.source is Source.LEDGER:
            return field.label
        word = self._columns().get(field.label) or self._words.field(field.feeds or field.label)
        bare = field.label if word in (field.label, "") else ""
        return bare or self.tr("{word} {name}").format(word=word, name=field.label)

    def differs(self, field: SourceField) -> str:
        return self.tr("现已不同") if field.differs else ""

    def _moment(self, row: SourceRow) -> str:
        return self._words.moment(row.imported_at)

    def _columns(self) -> dict[str, str]:
        """Columns of the feeds that are not fields of a form."""
        return {
            "key": self.tr("编号"),
            "customer_key": self.tr("客户编号"),
            "family_key": self.tr("家庭编号"),
            "site_code": self.tr("院区"),
            "assistant_code": self.tr("医助"),
            "optometrist_code": self.tr("验光师"),
            "examiner_code": self.tr("验光师"),
            "department_code": self.tr("科室"),
            "staff_code": self.tr("谁"),
            "sold_by_code": self.tr("销售"),
            "planned_by_code": self.tr("谁"),
            "filed_on": self.tr("建档日期"),
            "school": self.tr("学校"),
            "source": self.tr("来源"),
            "state": self.tr("状态"),
            "kind": self.tr("种类"),
            "eye": self.tr("眼别"),
            "product": self.tr("产品"),
            "brand": self.tr("品牌"),
            "manufacturer": self.tr("厂家"),
            "model": self.tr("型号"),
            "medicine": self.tr("药物"),
            "percent": self.tr("浓度"),
            "prescriber_code": self.tr("谁"),
            "ordered_on": self.tr("下单"),
            "dispensed_on": self.tr("取镜"),
            "ended_on": self.tr("停用"),
            "end_reason": self.tr("停用原因"),
            "price": self.tr("价格"),
            "visit_on": self.tr("到院日期"),
            "purpose": self.tr("事由"),
            "planned_on": self.tr("约定日期"),
            "due_on": self.tr("应复查"),
            "contacted_at": self.tr("联系时间"),
            "started_on": self.tr("开始日期"),
            "closed_on": self.tr("结束日期"),
        }
