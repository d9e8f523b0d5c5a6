"""版本: every version of a rule with its author and reason, two of them compared in sentences, and the way back."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hcrm_core.errors import Rejected
from hcrm_core.rules.messages import PublishResponse, Requested, RuleVersionLine
from hcrm_desktop.models.rule_history import (
    ask_versions,
    in_force,
    open_one,
    restore,
    retire,
    rule_of,
    throw_away,
)
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.rules.version_words import VersionWords
from hcrm_desktop.views.rules.wording import RuleWords

WIDTH, HEIGHT = 900, 600  # fits a screen of 768 lines


class VersionsDialog(QDialog):
    """The history of one rule.

    Signals:
        loaded: an earlier `Rule`, to stand in the editor as an edit.
        restored: `PublishResponse` of going back to a version.
        retired: `Requested` of taking the rule out of force.
        thrown_away: the draft or proposal has ended.
    """

    loaded = Signal(object)
    restored = Signal(object)
    retired = Signal(object)
    thrown_away = Signal()

    def __init__(self, desk: Desk, words: RuleWords, *, key: str, label: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._words, self._key, self._failures = desk, words, key, Failures(self)
        self._sentences = VersionWords(words)
        self._versions: Sequence[RuleVersionLine] = ()
        self._list, self._against = QListWidget(), QComboBox()
        self._told = QListWidget()
        self._note = QLineEdit(maxLength=400, placeholderText=self.tr("为什么（记入版本历史，回滚和停用时必填）"))
        self._message = QLabel(wordWrap=True)
        self._load = QPushButton(self.tr("载入编辑器"))
        self._back = QPushButton(self.tr("回滚到这一版"))
        self._end, self._drop = QPushButton(self.tr("停用规则")), QPushButton(self.tr("放弃草稿"))
        self.setWindowTitle(self.tr("版本 · {label}").format(label=label))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._build()
        self._connect()
        self._ask()

    def _build(self) -> None:
        self._list.setAccessibleName(self.tr("版本"))
        self._list.setWordWrap(True)
        self._told.setAccessibleName(self.tr("差别"))
        self._told.setWordWrap(True)
        self._told.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        self._against.setAccessibleName(self.tr("比较的版本"))
        self._note.setAccessibleName(self.tr("为什么"))
        self._message.setProperty("role", "danger")
        right = QVBoxLayout()
        against = QHBoxLayout()
        against.addWidget(QLabel(self.tr("和哪一版比较")))
        against.addWidget(self._against, 1)
        right.addLayout(against)
        right.addWidget(self._told, 1)
        both = QHBoxLayout()
        both.addWidget(self._list, 2)
        both.addLayout(right, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.addLayout(both, 1)
        column.addWidget(self._note)
        column.addWidget(self._message)
        column.addLayout(self._buttons())
        self.resize(WIDTH, HEIGHT)

    def _buttons(self) -> QHBoxLayout:
        close = QPushButton(self.tr("关闭 Esc"))
        close.clicked.connect(self.reject)
        self._back.setProperty("kind", "primary")
        row = QHBoxLayout()
        row.addWidget(self._end)
        row.addWidget(self._drop)
        row.addStretch(1)
        for button in (close, self._load, self._back):
            row.addWidget(button)
        for button in (close, self._load, self._back, self._end, self._drop):
            button.setAutoDefault(False)
        return row

    def _connect(self) -> None:
        self._list.currentRowChanged.connect(self._on_chosen)
        self._against.currentIndexChanged.connect(self._compare)
        self._note.textChanged.connect(self._check)
        self._load.clicked.connect(self._on_load)
        self._back.clicked.connect(self.go_back)
        self._end.clicked.connect(self.end_rule)
        self._drop.clicked.connect(self.drop)

    # ── the versions ─────────────────────────────────────────────────────────────────────────────────────

    def _ask(self) -> None:
        question = partial(ask_versions, key=self._key)
        self._desk.tasks.consult(self, question, done=self._on_versions, failed=self._on_failed)

    @Slot(object)
    def _on_versions(self, versions: Sequence[RuleVersionLine]) -> None:
        self._versions = versions
        self._list.clear()
        self._against.clear()
        for version in versions:
            self._list.addItem(QListWidgetItem(self._text(version)))
            self._against.addItem(self._words.state(version.state, number=version.number))
        self._list.setCurrentRow(0)
        if not versions:
            self._message.setText(self.tr("中心还没有这条规则的版本。先保存草稿。"))

    def _text(self, version: RuleVersionLine) -> str:
        moment = self._desk.words.moment
        lines = [self._words.state(version.state, number=version.number)]
        lines.append(
            self.tr("{author} {at}")
            .format(author=self._words.author(version.author), at=moment(version.created_at))
            .strip()
        )
        if version.published_at is not None:
            text = self.tr("发布：{who} {at}")
            lines.append(text.format(who=version.published_by, at=moment(version.published_at)))
        if version.retired_note:
            lines.append(self.tr("停用：{note}").format(note=version.retired_note))
        return "\n".join([*lines, version.note] if version.note else lines)

    @property
    def _chosen(self) -> RuleVersionLine | None:
        row = self._list.currentRow()
        return self._versions[row] if 0 <= row < len(self._versions) else None

    @Slot()
    def _on_chosen(self) -> None:
        """Compared with the one before it, unless somebody chooses another."""
        row = self._list.currentRow()
        self._against.setCurrentIndex(min(row + 1, len(self._versions) - 1))
        self._compare()
        self._check()

    @Slot()
    def _compare(self) -> None:
        self._told.clear()
        chosen, number = self._chosen, self._against.currentIndex()
        if chosen is None or not 0 <= number < len(self._versions):
            return
        before, after = rule_of(self._versions[number]), rule_of(chosen)
        if before is None or after is None:
            self._told.addItem(self.tr("这一版由更新的版本写成，请先升级工作站。"))
            return
        self._told.addItems(self._sentences.sentences(before, after) or [self.tr("没有差别")])

    @Slot()
    def _check(self) -> None:
        chosen, noted, current = self._chosen, bool(self._note.text().strip()), in_force(self._versions)
        self._load.setEnabled(chosen is not None and rule_of(chosen) is not None)
        self._back.setEnabled(chosen is not None and chosen.number != current and noted)
        self._end.setEnabled(current is not None and noted)
        self._drop.setEnabled(open_one(self._versions) is not None)

    # ── what can be done ─────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _on_load(self) -> None:
        rule = None if self._chosen is None else rule_of(self._chosen)
        if rule is not None:
            self.loaded.emit(rule)
            self.accept()

    @Slot()
    def go_back(self) -> None:
        """Let the chosen version's words be in force again, as a new version."""
        if self._chosen is None or not self._back.isEnabled():
            return
        self._back.setEnabled(False)
        note, published = self._note.text().strip(), in_force(self._versions)
        question = partial(restore, key=self._key, number=self._chosen.number, published=published, note=note)
        self._desk.tasks.consult(self, question, done=self._on_restored, failed=self._on_failed)

    @Slot()
    def end_rule(self) -> None:
        """Take the rule out of force; its members leave."""
        current = in_force(self._versions)
        if current is None or not self._end.isEnabled():
            return
        self._end.setEnabled(False)
        question = partial(retire, key=self._key, number=current, note=self._note.text().strip())
        self._desk.tasks.consult(self, question, done=self._on_retired, failed=self._on_failed)

    @Slot()
    def drop(self) -> None:
        """Give the open draft up; it stays here, to be loaded again."""
        draft = open_one(self._versions)
        if draft is not None:
            self._drop.setEnabled(False)
            question = partial(throw_away, key=self._key, ver=draft.ver)
            self._desk.tasks.consult(self, question, done=self._on_dropped, failed=self._on_failed)

    @Slot(object)
    def _on_dropped(self, _: object) -> None:
        self.thrown_away.emit()
        self.accept()

    @Slot(object)
    def _on_restored(self, response: PublishResponse) -> None:
        self.restored.emit(response)
        self.accept()

    @Slot(object)
    def _on_retired(self, requested: Requested) -> None:
        self.retired.emit(requested)
        self.accept()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        code = error.code if isinstance(error, Rejected) else ""
        stale = self.tr("刚才有人改过这条规则。请看一下新的版本，再决定。")
        if open_one(self._versions) is not None:
            stale = self.tr("这条规则有没发布的草稿，或刚才有人改过。请先发布或放弃草稿，再决定。")
        texts = {
            "stale": stale,
            "rule_unsound": self.tr("别的规则或 SOP 还在用它，或者这一版现在不能用。"),
        }
        self._message.setText(texts.get(code) or self._failures.sentence(error))
        if code == "stale":
            self._ask()
        self._check()
