"""客户: everybody this reader looks after, by name and by segment."""

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from hcrm_desktop.cache.rows import Changes, CustomerHit, SegmentCount
from hcrm_desktop.models.customer_list import CustomersRead, read_customers, read_more_customers
from hcrm_desktop.models.rows import Column, RowsModel
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.widgets.flow import FlowLayout
from hcrm_desktop.views.widgets.keys import on_key
from hcrm_desktop.views.widgets.states import EmptyState, StateStack
from hcrm_desktop.views.widgets.table import in_card, quiet_table

CONCERNS = frozenset({"customer", "guardian", "membership", "segment", "lens_order"})
PAUSE_MS = 150
WIDTHS = (150, 90, 110, 110, 150, 110)


class CustomersPage(QWidget):
    """The page.

    Signals:
        customer_requested: open this customer's record.
    """

    customer_requested = Signal(object)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._segment: str | None = None
        self._stale = True
        self._chips: dict[str, QPushButton] = {}
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._model = RowsModel[CustomerHit](self._columns(), self)
        self._table = quiet_table(self._model, self.tr("客户列表"))
        self._build()
        self._pause.timeout.connect(self.reload)
        desk.tasks.data_changed.connect(self._on_data_changed)
        self._model.page_wanted.connect(self._on_page_wanted)
        self._table.activated.connect(self._on_activated)
        self._text.textChanged.connect(self._pause.start)
        self._states.retry_requested.connect(self.reload)
        QShortcut(QKeySequence("/"), self._table, self._text.setFocus)
        on_key(self, "Ctrl+P", self.ask_reports, children=True)

    def _columns(self) -> list[Column[CustomerHit]]:
        words, tasks, role = self._desk.words, self._desk.tasks, self._desk.person.role
        return [
            Column(title=self.tr("姓名"), text=lambda hit: hit.name),
            Column(title=self.tr("性别"), text=lambda hit: words.sex(hit.sex)),
            Column(title=self.tr("年龄"), text=lambda hit: words.age(hit.birth_date, tasks.today())),
            Column(title=self.tr("在戴"), text=lambda hit: words.product(hit.product)),
            Column(title=self.tr("家长"), text=lambda hit: hit.guardian_name or words.no_guardian(role)),
            Column(title=self.tr("手机尾号"), text=lambda hit: hit.phone_tail or self.tr("—")),
            Column(title=self.tr("院区"), text=lambda hit: hit.site_name),
        ]

    def _build(self) -> None:
        self._title = QLabel(self.tr("客户"))
        self._title.setProperty("role", "h1")
        self._text = QLineEdit(placeholderText=self.tr("姓名 / 首字母 / 尾号"), clearButtonEnabled=True)
        self._text.setAccessibleName(self.tr("筛选客户"))
        self._text.setFixedWidth(240)
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addStretch(1)
        reports = QPushButton(self.tr("批量报告…"))
        reports.setToolTip(self.tr("为一个学校、院区或客群生成家长报告（Ctrl+P）"))
        reports.clicked.connect(self.ask_reports)
        head.addWidget(reports)
        head.addWidget(self._text)
        self._chip_row = FlowLayout()
        for column, width in enumerate(WIDTHS):
            self._table.setColumnWidth(column, width)
        empty = EmptyState(self._desk.theme, self.tr("没有客户"), self.tr("分配给您的客户会出现在这里。"))
        self._states = StateStack(self._desk.theme, self._table, empty)
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(20, 14, 20, 16)
        column_layout.setSpacing(10)
        column_layout.addLayout(head)
        column_layout.addLayout(self._chip_row)
        column_layout.addWidget(in_card(self._states), 1)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def reload(self) -> None:
        """Read the chosen customers."""
        self._stale = False
        self._states.show_loading()
        text = self._text.text().strip()
        self._desk.tasks.query(
            self, read_customers, text=text, segment=self._segment, done=self._on_read, failed=self._states.show_error
        )

    @Slot(object)
    def _on_read(self, read: CustomersRead) -> None:
        self._title.setText(self.tr("客户 {n}").format(n=read.total))
        for segment in read.segments:
            self._show_chip(segment)
        self._model.replace(read.rows, read.total)
        if read.rows:
            self._states.show_content()
            self._table.selectRow(0)
        elif self._text.text().strip() or self._segment:
            self._states.show_empty(self.tr("没有符合条件的客户"), self.tr("换一个条件试试。"))
        else:
            self._states.show_empty(self.tr("没有客户"), self.tr("分配给您的客户会出现在这里。"))

    @Slot(int)
    def _on_page_wanted(self, held: int) -> None:
        text = self._text.text().strip()
        self._desk.tasks.query(
            self, read_more_customers, text=text, segment=self._segment, offset=held, done=self._model.append
        )

    @Slot(object)
    def _on_data_changed(self, changes: Changes) -> None:
        if changes.kinds & CONCERNS:
            self._stale = True
            if self.isVisible():
                self._pause.start()

    def showEvent(self, event: object) -> None:
        self._table.setFocus()
        if self._stale:
            self.reload()

    # ── segments ─────────────────────────────────────────────────────────────────────────────────────────

    def _show_chip(self, segment: SegmentCount) -> None:
        chip = self._chips.get(segment.key)
        if chip is None:
            chip = QPushButton()
            chip.setCheckable(True)
            chip.setProperty("kind", "chip")
            chip.setProperty("segment", segment.key)
            chip.clicked.connect(self._on_chip_clicked)
            self._chips[segment.key] = chip
            self._chip_row.addWidget(chip)
        chip.setText(self.tr("{label} {n}").format(label=segment.label, n=segment.customers))

    @Slot()
    def _on_chip_clicked(self) -> None:
        chosen = self.sender()
        if not isinstance(chosen, QPushButton):
            return
        self._segment = str(chosen.property("segment")) if chosen.isChecked() else None
        for chip in self._chips.values():
            chip.setChecked(chip is chosen and chosen.isChecked())
        self.reload()

    @Slot()
    def ask_reports(self) -> None:
        """Reports for many, beginning with the chosen segment."""
        from hcrm_desktop.views.report.batch import BatchDialog

        BatchDialog(self._desk, segment=self._segment, parent=self.window()).open()

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        hit = self._model.row(index)
        if hit is not None:
            self.customer_requested.emit(hit.id)

    def keyPressEvent(self, event: object) -> None:
        if getattr(event, "key", lambda: None)() == Qt.Key.Key_Down:
            self._table.setFocus()
