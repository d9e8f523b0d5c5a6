"""The top of 客户档案: who this is, what is worn, why he is in a segment, when he is due."""

from collections.abc import Callable, Iterator
from datetime import date
from uuid import UUID

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hcrm_core.terms import Role
from hcrm_desktop.cache.rows import CustomerHeader, CustomerRecord
from hcrm_desktop.theme import Theme, set_property
from hcrm_desktop.views.record.why import EvidencePanel
from hcrm_desktop.views.record.worn import WornWords
from hcrm_desktop.views.widgets.chips import Chip, DeliveryBadge
from hcrm_desktop.views.widgets.flow import FlowLayout
from hcrm_desktop.views.words import Words

LONGEST_PX = 200


class RecordHeader(QFrame):
    """Who this is.

    Signals:
        back_requested, exam_requested, follow_up_requested, edit_requested, report_requested, medication_requested: the
            buttons.
        display_requested: show the child on the display.
        share_requested: open the child's page on a tablet.
        customer_requested: a brother or sister, by id.
    """

    back_requested = Signal()
    exam_requested = Signal()
    follow_up_requested = Signal()
    medication_requested = Signal()
    edit_requested = Signal()
    display_requested = Signal()
    share_requested = Signal()
    report_requested = Signal()
    customer_requested = Signal(object)

    def __init__(self, theme: Theme, words: Words, role: Role) -> None:
        super().__init__()
        self._theme, self._words, self._role = theme, words, role
        self.setProperty("role", "card")
        self._name, self._who, self._contact, self._due = QLabel(), QLabel(), QLabel(), QLabel()
        self._badge = DeliveryBadge(theme)
        self._worn = WornWords(words)
        self._chips = FlowLayout()
        self._why = EvidencePanel(words)
        self._why_button = self._button(self.tr("为何"), "quiet", self._on_why_clicked)
        self._build(self._button(self.tr("录入检查 E"), "primary", self.exam_requested.emit))

    def show_record(self, record: CustomerRecord, today: date) -> None:
        """Show another customer."""
        head = record.header
        self._write(self._name, head.name)
        self._badge.show_delivery(head.delivery, self._words.delivery(head.delivery))
        self._who.setText(self._who_text(head, today))
        self._who.setToolTip(head.school)
        self._write(self._contact, self._contact_text(head))
        self._show_due(head, today)
        self._fill_chips(record, today)
        self._why.show_segments(record.segments)
        self._why.hide()
        self._why_button.setVisible(bool(record.segments))

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────

    def _build(self, exam: QPushButton) -> None:
        self._name.setProperty("role", "h1")
        self._contact.setProperty("role", "muted")
        exam.setVisible(self._role is Role.OPTOMETRIST)
        follow_up = self._button(self.tr("记录跟进 F"), "", self.follow_up_requested.emit)
        first = QHBoxLayout()
        first.setSpacing(12)
        first.addWidget(self._button(self.tr("返回 Esc"), "quiet", self.back_requested.emit))
        first.addWidget(self._name)
        first.addWidget(self._who)
        first.addWidget(self._badge)
        edit = self._button(self.tr("编辑资料"), "quiet", self.edit_requested.emit)
        edit.setToolTip(self.tr("姓名、性别、出生日期、家长和电话（Ctrl+I）"))
        first.addWidget(edit)
        display = self._button(self.tr("展示"), "quiet", self.display_requested.emit)
        display.setToolTip(self.tr("在展示屏上给孩子和家长看，只有孩子的名字（F9）"))
        first.addWidget(display)
        tablet = self._button(self.tr("平板"), "quiet", self.share_requested.emit)
        tablet.setToolTip(self.tr("分享到平板：扫二维码或输入数字，只能看，一个小时（T）"))
        first.addWidget(tablet)
        medication = self._button(self.tr("用药"), "quiet", self.medication_requested.emit)
        medication.setToolTip(self.tr("低浓度阿托品：开始、改浓度、停用（M）"))
        medication.setVisible(self._role is Role.OPTOMETRIST)
        first.addWidget(medication)
        report = self._button(self.tr("报告"), "quiet", self.report_requested.emit)
        report.setToolTip(self.tr("给家长的报告：预览、保存、打印（Ctrl+P）"))
        first.addWidget(report)
        first.addStretch()
        for widget in (self._due, follow_up, exam):
            first.addWidget(widget)
        second = QHBoxLayout()
        second.setSpacing(12)
        second.addLayout(self._chips, 1)
        second.addWidget(self._why_button)
        second.addWidget(self._contact)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(6)
        column.addLayout(first)
        column.addLayout(second)
        column.addWidget(self._why)

    def _button(self, text: str, kind: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("kind", kind)
        button.clicked.connect(slot)
        return button

    def _write(self, label: QLabel, text: str) -> None:
        """A long name may not push the buttons out of the window."""
        label.setText(label.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, LONGEST_PX))
        label.setToolTip(text)

    # ── words ────────────────────────────────────────────────────────────────────────────────────────────

    def _who_text(self, head: CustomerHeader, today: date) -> str:
        return self.tr(" · ").join([self._words.sex(head.sex), self._words.age(head.birth_date, today)])

    def _contact_text(self, head: CustomerHeader) -> str:
        if not head.guardian_name and head.phone is None:
            return self._words.no_guardian(self._role)
        relation = self.tr("（{relation}）").format(relation=head.guardian_relation) if head.guardian_relation else ""
        return self.tr("{guardian}{relation} {phone}").format(
            guardian=head.guardian_name or self.tr("家长"), relation=relation, phone=self._phone(head.phone)
        )

    def _phone(self, phone: str | None) -> str:
        """Whole for those who call; masked for the others."""
        if phone is None:
            return ""
        return phone if self._role is Role.ASSISTANT else masked(phone)

    def _show_due(self, head: CustomerHeader, today: date) -> None:
        due = head.next_due_on
        if due is None:
            text, role = self.tr("没有约下次复查"), "muted"
        else:
            text = self.tr("下次复查 {day}（{due}）").format(day=self._words.day(due), due=self._words.due(due, today))
            role = "warn" if due < today else "muted"
        self._due.setText(text)
        set_property(self._due, "role", role)

    def _fill_chips(self, record: CustomerRecord, today: date) -> None:
        while (item := self._chips.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for widget in self._made_chips(record, today):
            self._chips.addWidget(widget)

    def _made_chips(self, record: CustomerRecord, today: date) -> Iterator[QWidget]:
        if record.header.do_not_contact:
            yield Chip(self._theme, self.tr("请勿联系"), "act")
        for text in self._worn.texts(record.orders, today):
            yield Chip(self._theme, text, "info")
        for course in record.medications:
            if course.ended_on is None:
                yield Chip(self._theme, self._words.course(course.percent), "info")
        for segment in record.segments:
            yield Chip(self._theme, segment.label, segment.tone)
        for sibling_id, name in record.header.siblings:
            yield self._button(self.tr("同胞 {name}").format(name=name), "chip", self._opener(sibling_id))

    def _opener(self, customer_id: UUID) -> Callable[[], None]:
        return lambda: self.customer_requested.emit(customer_id)

    @Slot()
    def _on_why_clicked(self) -> None:
        self._why.setVisible(self._why.isHidden())


def masked(phone: str) -> str:
    """ "138****1234"."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 9 else "****"
