"""The chosen entry in full: both values, what happened, why it matters, what to do, and the keys that do it."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from hcrm_core.wire import Theirs
from hcrm_desktop.cache.rows import ExamRow, UnsentItem
from hcrm_desktop.models.sync_list import EXAM, choices, is_about_exams
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.reasons import Reasons
from hcrm_desktop.views.sync.contents import Compared, Contents
from hcrm_desktop.views.sync.sides import Sides
from hcrm_desktop.views.widgets.chips import DeliveryBadge
from hcrm_desktop.views.words import Words


class ItemPanel(QFrame):
    """One entry.

    Signals:
        chosen: the name of a command (models.sync_list.choices) for the entry that is shown.
        customer_requested: open this customer's record.
    """

    chosen = Signal(str)
    customer_requested = Signal(object)

    def __init__(self, theme: Theme, words: Words) -> None:
        super().__init__()
        self._words, self._reasons, self._contents = words, Reasons(words), Contents(words)
        self._item: UnsentItem | None = None
        self._title, self._badge, self._when = QLabel(), DeliveryBadge(theme), QLabel()
        self._account, self._decision = QLabel(wordWrap=True), QLabel(wordWrap=True)
        self._sides = Sides()
        self._buttons: dict[str, QPushButton] = {}
        self.setProperty("role", "card")
        self._build()

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        self._title.setProperty("role", "h1")
        self._when.setProperty("role", "muted")
        self._decision.setProperty("role", "title")
        for label in (self._title, self._when, self._account, self._decision):
            label.setTextFormat(Qt.TextFormat.PlainText)
        content = QWidget()
        inside = QVBoxLayout(content)
        inside.setContentsMargins(16, 0, 16, 12)
        inside.setSpacing(10)
        for widget in (self._when, self._decision, self._account, self._sides):
            inside.addWidget(widget)
        inside.addStretch(1)
        area = QScrollArea(widgetResizable=True)
        area.setWidget(content)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 12, 1, 12)
        column.addLayout(self._build_head())
        column.addWidget(area, 1)
        column.addLayout(self._build_buttons())

    def _build_head(self) -> QHBoxLayout:
        self._open = QPushButton(self.tr("档案"))
        self._open.setProperty("kind", "quiet")
        self._open.clicked.connect(self._on_open_clicked)
        row = QHBoxLayout()
        row.setContentsMargins(16, 0, 12, 0)
        row.addWidget(self._title)
        row.addWidget(self._badge)
        row.addStretch(1)
        row.addWidget(self._open)
        return row

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(16, 0, 16, 0)
        for name, text in (
            ("keep_mine", self.tr("用我的 (&M)")),
            ("keep_theirs", self.tr("用对方的 (&T)")),
            ("keep_both", self.tr("两个都保留 (&B)")),
            ("dismiss", self.tr("知道了 (&K)")),
            ("release_recovered", self.tr("重新提交 (&R)")),
            ("drop_recovered", self.tr("不再需要 (&D)")),
        ):
            button = QPushButton(text)
            button.setVisible(False)
            button.clicked.connect(partial(self._on_clicked, name))
            self._buttons[name] = button
            row.addWidget(button)
        row.addStretch(1)
        return row

    # ── content ──────────────────────────────────────────────────────────────────────────────────────────

    def show_item(self, item: UnsentItem, *, exams: dict[str, ExamRow], customers_hidden: bool) -> None:
        """Show an entry.

        Args:
            exams: the customer's, by id: for two that stand side by side.
            customers_hidden: the lease is over; nothing of a customer is shown.
        """
        self._item = item
        whose = self.tr("（客户资料已隐藏）") if customers_hidden else item.customer_name or self.tr("客户不在本机")
        self._title.setText(self.tr("{what} · {whose}").format(what=self._words.operation(item.kind), whose=whose))
        self._badge.show_delivery(item.delivery, self._words.delivery(item.delivery))
        self._when.setText(self.tr("录入于 {at}").format(at=self._words.moment(item.captured_at)))
        self._account.setText(self._story(item))
        self._decision.setText(self._decision_text(item))
        self._decision.setVisible(bool(item.decision))
        self._sides.setVisible(not customers_hidden)
        self._open.setVisible(item.customer_id is not None and bool(item.customer_name) and not customers_hidden)
        self._show_values(item, exams)
        self._show_buttons(choices(item))

    def settle(self) -> None:
        """The choice is being carried out: none may be pressed twice."""
        for button in self._buttons.values():
            button.setEnabled(False)

    def first_button(self) -> QPushButton | None:
        """Where Enter on the list leads."""
        return next((button for button in self._buttons.values() if not button.isHidden()), None)

    def _story(self, item: UnsentItem) -> str:
        account = self._reasons.account(item)
        parts = (
            self.tr("发生了什么：{text}").format(text=account.happened),
            account.matters and self.tr("有什么影响：{text}").format(text=account.matters),
            account.to_do and self.tr("怎么办：{text}").format(text=account.to_do),
        )
        return "\n\n".join(part for part in parts if part)

    def _decision_text(self, item: UnsentItem) -> str:
        if not item.decision:
            return ""
        said = self._reasons.decision(item)
        return self.tr("{said}：{note}").format(said=said, note=item.decision_note) if item.decision_note else said

    def _show_values(self, item: UnsentItem, exams: dict[str, ExamRow]) -> None:
        if not item.theirs:
            self._sides.show_lines(self._contents.lines(item.kind, item.body))
            return
        mine = self.tr("我的 · {at}").format(at=self._words.moment(item.captured_at))
        if is_about_exams(item):
            others = [one for one in item.theirs if one.field == EXAM]
            sides = [exams.get(others[0].mine or ""), *(exams.get(one.theirs or "") for one in others)]
            heads = [mine, *(self._their_head(one) for one in others)]
            self._sides.show_compared(self._contents.exams(sides), heads=heads)
        else:
            compared = [self._compared(one) for one in item.theirs]
            self._sides.show_compared(compared, heads=[mine, self._their_head(item.theirs[0])])

    def _compared(self, one: Theirs) -> Compared:
        words = self._words
        texts = (words.value(one.field, one.mine), words.value(one.field, one.theirs))
        return Compared(label=words.field(one.field), texts=texts)

    def _their_head(self, one: Theirs) -> str:
        parts = [self.tr("对方的"), one.by or self.tr("系统或导入"), one.site]
        parts.append(self._words.moment(one.at) if one.at else "")
        return " · ".join(part for part in parts if part)

    def _show_buttons(self, offered: tuple[str, ...]) -> None:
        for name, button in self._buttons.items():
            button.setEnabled(True)
            button.setVisible(name in offered)

    # ── acting ───────────────────────────────────────────────────────────────────────────────────────────

    def _on_clicked(self, name: str) -> None:
        self.chosen.emit(name)

    def _on_open_clicked(self) -> None:
        if self._item is not None:
            self.customer_requested.emit(self._item.customer_id)
