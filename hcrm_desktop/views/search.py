"""Global search: a name, pinyin initials or the tail of a phone, from anywhere, by keyboard."""

from datetime import date

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QWidget

from hcrm_desktop.cache.rows import CustomerHit
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.words import Words

LINE_HEIGHT, MOST_LINES = 33, 10
PAUSE_MS = 120  # after the last key; typing must not ask for every letter


class SearchField(QLineEdit):
    """A field with a list of answers below it.

    Signals:
        customer_chosen: the customer's id.
    """

    customer_chosen = Signal(object)

    def __init__(self, tasks: Tasks, words: Words, parent: QWidget) -> None:
        super().__init__(parent)
        self._tasks, self._words = tasks, words
        self.setPlaceholderText(self.tr("搜索姓名 / 拼音首字母 / 手机尾号   Ctrl+K"))
        self.setAccessibleName(self.tr("搜索客户"))
        self.setClearButtonEnabled(True)
        self._answers = QListWidget(parent)
        self._answers.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._answers.setAccessibleName(self.tr("搜索结果"))
        self._answers.setObjectName("answers")
        self._answers.itemClicked.connect(self._on_answer_clicked)
        self._answers.hide()
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self._on_pause_timeout)
        self.textEdited.connect(self._on_text_edited)
        self.installEventFilter(self)

    @Slot(str)
    def _on_text_edited(self, text: str) -> None:
        if text.strip():
            self._pause.start()
        else:
            self.close_answers()

    @Slot()
    def _on_pause_timeout(self) -> None:
        from hcrm_desktop.cache.queries import search_customers

        self._tasks.query(self, search_customers, self.text().strip(), done=self._on_found)

    @Slot(object)
    def _on_found(self, hits: list[CustomerHit]) -> None:
        self._answers.clear()
        today = self._tasks.today()
        for hit in hits:
            item = QListWidgetItem(self._line(hit, today))
            item.setData(Qt.ItemDataRole.UserRole, hit.id)
            self._answers.addItem(item)
        if not hits:
            nobody = QListWidgetItem(self.tr("没有找到。可试姓名、拼音首字母（如 wxy）或手机后四位。"))
            nobody.setFlags(Qt.ItemFlag.NoItemFlags)
            self._answers.addItem(nobody)
        self._answers.setCurrentRow(0 if hits else -1)
        self._unfold()

    def _line(self, hit: CustomerHit, today: date) -> str:
        parts = [hit.name, self._words.sex(hit.sex), self._words.age(hit.birth_date, today)]
        parts.append(self._words.product(hit.product))
        if hit.guardian_name:
            parts.append(self.tr("家长 {name}").format(name=hit.guardian_name))
        if hit.phone_tail:
            parts.append(self.tr("尾号 {tail}").format(tail=hit.phone_tail))
        return "   ".join([*parts, hit.site_name])

    def _unfold(self) -> None:
        window = self._answers.parentWidget()
        if window is None or not self.hasFocus():
            return
        lines = min(MOST_LINES, max(1, self._answers.count()))
        below = self.mapTo(window, QPoint(0, self.height() + 4))
        width = max(self.width(), 520)
        self._answers.setGeometry(below.x() + self.width() - width, below.y(), width, lines * LINE_HEIGHT + 10)
        self._answers.show()
        self._answers.raise_()

    def close_answers(self) -> None:
        self._pause.stop()
        self._answers.hide()

    @Slot(QListWidgetItem)
    def _on_answer_clicked(self, item: QListWidgetItem) -> None:
        chosen = item.data(Qt.ItemDataRole.UserRole)
        if chosen is not None:
            self.close_answers()
            self.clear()
            self.customer_chosen.emit(chosen)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.FocusOut:
            self.close_answers()
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and self._steer(event.key()):
            return True
        return super().eventFilter(watched, event)

    def _steer(self, key: int) -> bool:
        """Arrow keys, Enter and Escape belong to the answers while they are shown."""
        if not self._answers.isVisible():
            return False
        row, last = self._answers.currentRow(), self._answers.count() - 1
        if key == Qt.Key.Key_Down:
            self._answers.setCurrentRow(min(row + 1, last))
        elif key == Qt.Key.Key_Up:
            self._answers.setCurrentRow(max(row - 1, 0))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if (item := self._answers.currentItem()) is not None:
                self._on_answer_clicked(item)
        elif key == Qt.Key.Key_Escape:
            self.close_answers()
        else:
            return False
        return True
