"""编辑资料: who a customer is, field by field; only what was changed is sent, with what stood there before."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import QSize, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.corrections import Value, accepted_value, editable
from hcrm_core.errors import Rejected
from hcrm_core.intents import FieldEdit
from hcrm_core.terms import Role, Sex
from hcrm_desktop.cache.rows import CustomerForm, FieldNow
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import set_property
from hcrm_desktop.views.exam_entry.choice import Choice
from hcrm_desktop.views.widgets.recording_dialog import RecordingDialog
from hcrm_desktop.views.words import Words

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

REMARK = QSize(260, 44)  # two lines, so that the form does not move while one types
_DAY = re.compile(r"(\d{4})\D(\d{1,2})\D(\d{1,2})\D?|(\d{4})(\d{2})(\d{2})")


def read_form(session: "Session", customer_id: UUID) -> CustomerForm | None:
    """What can be corrected of a customer. Runs in a reader."""
    from hcrm_desktop.cache.queries.form import customer_form

    return customer_form(session, customer_id)


@dataclass(slots=True, kw_only=True)
class _Line:
    """One field on the form: what stood there, what one types into, and what is said beside it."""

    now: FieldNow
    editor: QLineEdit | QCheckBox | Choice[Sex | None]
    remark: QLabel

    def typed(self) -> Value:
        if isinstance(self.editor, QCheckBox):
            return self.editor.isChecked()
        if isinstance(self.editor, Choice):
            sex = self.editor.value()
            return None if sex is None else sex.value
        text = self.editor.text().strip()
        return iso_day(text) if self.now.field == "birth_date" else text or None


class CustomerEdit(RecordingDialog):
    """Corrects who a customer is."""

    def __init__(self, tasks: Tasks, words: Words, form: CustomerForm, *, role: Role, parent: QWidget) -> None:
        super().__init__(tasks, parent=parent)
        self._words, self._form, self._today = words, form, tasks.today()
        allowed = editable(role)
        fields = [one for one in form.fields if (one.row, one.field) in allowed]
        self._lines = [_Line(now=one, editor=self._editor(one), remark=QLabel(wordWrap=True)) for one in fields]
        self._save = QPushButton(self.tr("保存 Ctrl+S"))
        self._warned = False  # that closing loses what was typed
        self.setWindowTitle(self.tr("编辑资料 · {name}").format(name=form.name))
        self._build()
        self._check()

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────

    def _editor(self, now: FieldNow) -> QLineEdit | QCheckBox | Choice[Sex | None]:
        if now.field == "do_not_contact":
            box = QCheckBox(self.tr("家长要求不再联系"))
            box.setChecked(bool(now.value))
            box.toggled.connect(self._check)
            return box
        if now.field == "sex":
            choice = Choice[Sex | None]([*Sex, None], [self._words.sex(one) for one in (*Sex, None)])
            choice.choose(Sex(str(now.value)) if now.value else None)
            choice.currentIndexChanged.connect(self._check)
            return choice
        line = QLineEdit(str(now.value or ""), maxLength=50)
        line.setPlaceholderText(self.tr("2016-05-01") if now.field == "birth_date" else "")
        line.textChanged.connect(self._check)
        return line

    def _build(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(10)
        for row, line in enumerate(self._lines):
            name = self._words.field(f"{line.now.row}.{line.now.field}")
            line.editor.setAccessibleName(name)
            line.editor.setFixedWidth(240)
            line.remark.setFixedSize(REMARK)
            grid.addWidget(QLabel(name), row, 0)
            grid.addWidget(line.editor, row, 1)
            grid.addWidget(line.remark, row, 2)
        hint = QLabel(self.tr("只上传改动的项；改动前后的值都会留在“变更”历史里。家长资料由同一家庭的孩子共用。"))
        hint.setProperty("role", "small")
        hint.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(12)
        column.addLayout(grid)
        column.addWidget(hint)
        column.addLayout(self._build_foot())
        self._lines[0].editor.setFocus()

    def _build_foot(self) -> QHBoxLayout:
        close = QPushButton(self.tr("取消 Esc"))
        close.clicked.connect(self.reject)
        self._save.setProperty("kind", "primary")
        self._save.clicked.connect(self.save)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Save), self, self.save)
        row = QHBoxLayout()
        row.addWidget(self._message, 1)
        for button in (close, self._save):
            button.setAutoDefault(button is self._save)
            row.addWidget(button)
        return row

    # ── checking ─────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _check(self) -> None:
        """Say beside each field what is wrong with it, or what stood there before."""
        self._warned = False
        self._message.clear()
        for line in self._lines:
            self._remark(line)
        self._save.setEnabled(bool(self._edits()) and not self._wrong())

    def _remark(self, line: _Line) -> None:
        name = line.now.field
        if not self._is_possible(line):
            line.remark.setText(self._problem(name))
            set_property(line.remark, "role", "danger")
            return
        set_property(line.remark, "role", "muted")
        value = self._value(line)
        if value != line.now.value:
            former = self._words.value(f"{line.now.row}.{name}", line.now.value)
            line.remark.setText(self.tr("原为：{former}").format(former=former))
        else:
            line.remark.clear()

    def _problem(self, field: str) -> str:
        return {
            "name": self.tr("姓名不能为空，也不能带数字或备注。"),
            "birth_date": self.tr("写成 2016-05-01；不能在今天之后，也不能早于 120 年前。"),
            "phone": self.tr("不像一个能拨通的号码：手机 11 位，座机带区号。"),
        }.get(field, self.tr("太长，或有看不见的字符。"))

    def _value(self, line: _Line) -> Value:
        """What was typed, as it would be stored; what stood there, if nobody touched it."""
        typed = line.typed()
        if typed == line.now.value or not (typed or line.now.value):
            return line.now.value
        return accepted_value(line.now.row, line.now.field, typed, today=self._today)

    def _is_possible(self, line: _Line) -> bool:
        try:
            self._value(line)
        except Rejected:
            return False
        return True

    def _wrong(self) -> list[_Line]:
        return [line for line in self._lines if not self._is_possible(line)]

    def _edits(self) -> tuple[FieldEdit, ...]:
        """What was changed to something possible."""
        changed = [line for line in self._lines if self._is_possible(line) and self._value(line) != line.now.value]
        return tuple(
            FieldEdit.model_validate(
                {
                    "row": line.now.row,
                    "row_id": line.now.row_id,
                    "field": line.now.field,
                    "base": line.now.value,
                    "value": self._value(line),
                }
            )
            for line in changed
        )

    # ── saving ───────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def save(self) -> None:
        """Record the changes."""
        from hcrm_desktop.cache.corrections import edit_customer

        if not self._save.isEnabled():
            return
        self._save.setEnabled(False)
        self._record(
            edit_customer,
            customer_id=self._form.customer_id,
            edits=self._edits(),
        )

    def _offer_again(self) -> None:
        self._check()

    def reject(self) -> None:
        """Close; what was typed and not saved is given up only at the second asking."""
        if (self._edits() or self._wrong()) and not self._warned:
            self._warned = True
            self._message.setText(self.tr("有未保存的修改：再按一次 Esc 放弃，或按 Ctrl+S 保存。"))
            return
        super().reject()


def iso_day(text: str) -> str | None:
    """A day as people type it, "2016/5/1" or "20160501", in the form of a row's body; what is no day as it is."""
    found = _DAY.fullmatch(text)
    if found is None:
        return text or None
    year, month, day = (part for part in found.groups() if part)
    return f"{year}-{int(month):02}-{int(day):02}"
