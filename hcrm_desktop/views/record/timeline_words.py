"""时间轴 in words: one short line an entry."""

from collections.abc import Callable
from decimal import Decimal

from PySide6.QtCore import QObject

from hcrm_core.terms import Channel, ExamStatus, Eye, LeadKind, LeadState, Outcome, ProductKind, TaskState, VisitState
from hcrm_desktop.cache.rows import TimelineEntry, TimelineKind
from hcrm_desktop.views.record.source_words import TONES
from hcrm_desktop.views.words import Words


class TimelineWords(QObject):
    """Writes entries. A word of a later release is shown as it came."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._words = words

    def kind(self, kind: TimelineKind) -> str:
        return {
            TimelineKind.EXAM: self.tr("检查"),
            TimelineKind.ORDER: self.tr("配镜"),
            TimelineKind.VISIT: self.tr("到院"),
            TimelineKind.PLAN: self.tr("复查计划"),
            TimelineKind.FOLLOW_UP: self.tr("跟进"),
            TimelineKind.TASK: self.tr("任务"),
            TimelineKind.REPLACEMENT: self.tr("换片"),
            TimelineKind.LEAD: self.tr("线索"),
            TimelineKind.SEGMENT: self.tr("分组"),
            TimelineKind.CORRECTION: self.tr("变更"),
            TimelineKind.MEDICATION: self.tr("用药"),
        }[kind]

    def day(self, entry: TimelineEntry) -> str:
        return self._words.day(entry.on)

    def source(self, entry: TimelineEntry) -> str:
        """Where it came from; what no feed brought was made by the rules, or agreed here."""
        if entry.kind is TimelineKind.LEAD:
            return ""  # its row does not say
        return self.tr("规则") if entry.source is None else self._words.source(entry.source)

    def tone(self, entry: TimelineEntry) -> str:
        """Of its badge."""
        return "neutral" if entry.source is None else TONES[entry.source]

    def said(self, entry: TimelineEntry) -> str:
        """What happened."""
        writer = {
            TimelineKind.EXAM: self._exam,
            TimelineKind.ORDER: self._order,
            TimelineKind.VISIT: self._visit,
            TimelineKind.PLAN: self._plan,
            TimelineKind.FOLLOW_UP: self._follow_up,
            TimelineKind.TASK: self._task,
            TimelineKind.REPLACEMENT: self._replacement,
            TimelineKind.LEAD: self._lead,
            TimelineKind.SEGMENT: self._segment,
            TimelineKind.CORRECTION: self._correction,
            TimelineKind.MEDICATION: self._medication,
        }[entry.kind]
        return self.tr(" · ").join(part for part in writer(entry) if part)

    def _exam(self, entry: TimelineEntry) -> list[str]:
        lengths = ""
        if entry.first or entry.second:
            right, left = (length or self.tr("—") for length in (entry.first, entry.second))
            lengths = self.tr("眼轴 右 {right} 左 {left} mm").format(right=right, left=left)
        valid = entry.term == ExamStatus.FINAL
        status = "" if valid else _read(entry.term, lambda term: self._words.exam_status(ExamStatus(term)))
        return [status, lengths, entry.text]

    def _order(self, entry: TimelineEntry) -> list[str]:
        eye = _read(entry.first or "", lambda term: self._words.eye(Eye(term)))
        product = _read(entry.term, lambda term: self._words.product(ProductKind(term)))
        return [self.tr("停用") if entry.second else "", eye, product, entry.text]

    def _visit(self, entry: TimelineEntry) -> list[str]:
        return [_read(entry.term, lambda term: self._words.visit_state(VisitState(term))), entry.text]

    def _plan(self, entry: TimelineEntry) -> list[str]:
        return [self.tr("应复查"), self.tr("{day} 约定").format(day=entry.first) if entry.first else ""]

    def _follow_up(self, entry: TimelineEntry) -> list[str]:
        channel = _read(entry.first or "", lambda term: self._words.channel(Channel(term)))
        return [channel, _read(entry.term, lambda term: self._words.outcome(Outcome(term))), entry.text]

    def _task(self, entry: TimelineEntry) -> list[str]:
        return [entry.text, _read(entry.term, lambda term: self._words.task_state(TaskState(term)))]

    def _replacement(self, entry: TimelineEntry) -> list[str]:
        eye = _read(entry.term, lambda term: self._words.eye(Eye(term)))
        since = self.tr("{day} 的镜片满 {n} 天").format(day=entry.first, n=entry.second)
        return [self.tr("应换片"), eye, since]

    def _lead(self, entry: TimelineEntry) -> list[str]:
        kinds = {LeadKind.UPSELL.value: self.tr("升单"), LeadKind.REFERRAL.value: self.tr("转科")}
        states = {
            LeadState.STARTED.value: self.tr("发起"),
            LeadState.ACCEPTED.value: self.tr("已接"),
            LeadState.VISITED.value: self.tr("到诊"),
            LeadState.CLOSED.value: self.tr("成交"),
            LeadState.RETURNED.value: self.tr("退回"),
            LeadState.EXPIRED.value: self.tr("过期"),
        }
        receiver = self.tr("接收 {name}").format(name=entry.second) if entry.second else ""
        kind = kinds.get(entry.first or "", entry.first or "")
        return [kind, states.get(entry.term, entry.term), receiver]

    def _segment(self, entry: TimelineEntry) -> list[str]:
        text = self.tr("进入“{name}”") if entry.term == "entered" else self.tr("离开“{name}”")
        return [text.format(name=entry.text)]

    def _correction(self, entry: TimelineEntry) -> list[str]:
        if entry.term == "exam":
            return [self.tr("更正 {day} 的检查").format(day=entry.first), entry.text]
        old, new = (self._words.value(entry.term, value) for value in (entry.first, entry.second))
        change = self.tr("{old} → {new}").format(old=old, new=new)
        return [self._words.field(entry.term), change, entry.text]

    def _medication(self, entry: TimelineEntry) -> list[str]:
        course = self._words.course(Decimal(entry.first) if entry.first else None)
        return [self.tr("开始") if entry.term == "began" else self.tr("停用"), course, entry.text]


def _read(term: str, words: Callable[[str], str]) -> str:
    """A term in words; one of a later release as it came."""
    try:
        return words(term) if term else ""
    except ValueError:
        return term
