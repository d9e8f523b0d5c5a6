"""发布…: what would happen, before it does; then the centre is asked to let it happen."""

from collections.abc import Callable
from functools import partial
from typing import Any  # why Any: an answer of the centre, which `done` knows
from uuid import UUID

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
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
from hcrm_core.rules.linting import Finding, Level
from hcrm_core.rules.messages import Diff, Load, PublishResponse, RuleState, RuleVersionLine, Trial
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.models.rule_questions import Question
from hcrm_desktop.models.rule_release import newest_version, publish_rule, send_back
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.rules.finding_words import FindingWords
from hcrm_desktop.views.rules.panels.asking import AskLine
from hcrm_desktop.views.rules.panels.impact import is_over
from hcrm_desktop.views.rules.panels.tables import SmallTable
from hcrm_desktop.views.rules.version_words import VersionWords
from hcrm_desktop.views.rules.wording import RuleWords

WIDTH, HEIGHT = 760, 600  # fits a screen of 768 lines
LIST_PX = 110
PATH_ROLE = int(Qt.ItemDataRole.UserRole)


class PublishDialog(QDialog):
    """Looks at the draft as the centre keeps it; the rule stands still while it is open.

    Signals:
        published: `PublishResponse`.
        sent_back: the proposal is a draft again.
        line_requested: the path of a line to mend.
    """

    published = Signal(object)
    sent_back = Signal()
    line_requested = Signal(object)

    def __init__(self, desk: Desk, words: RuleWords, draft: RuleDraft, *, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._words, self._draft = desk, words, draft
        self._failures, self._finding_words = Failures(self), FindingWords(words)
        self._version_words = VersionWords(words)
        for sentences in (self._finding_words, self._version_words):
            sentences.setParent(self)  # gone with the dialog
        self._diff: Diff | None = None
        self._sending = False
        self.question = Question(desk.tasks, "diff", Diff, make=self._trial, parent=self)
        self._findings, self._seen = QListWidget(), QCheckBox(self.tr("“注意”的几条我已看过"))
        self._changes, self._change_title = QListWidget(), QLabel()
        self._asking, self._sums, self._load_title = AskLine(), QLabel(wordWrap=True), QLabel(self.tr("明天的任务"))
        columns = [self.tr("负责人"), self.tr("明天已有"), self.tr("新增"), self.tr("上限")]
        self._loads = SmallTable(self.tr("明天的任务"), columns)
        self._note = QLineEdit(maxLength=400, placeholderText=self.tr("例如：按科室例会决定，把预警线调到 75 度"))
        self._message = QLabel(wordWrap=True)
        self._publish, self._back = QPushButton(), QPushButton(self.tr("退回修改"))
        self._name()
        self._build()
        self._connect()
        self._show_changes()
        self._show_findings()
        self.question.ask()

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _proposed(self) -> bool:
        return self._draft.version.state is RuleState.PROPOSED

    @property
    def _own(self) -> bool:
        """A proposal of one's own: another has to agree."""
        return self._proposed and self._draft.version.author_id == self._desk.person.account_id

    def _name(self) -> None:
        """What the button does, with one person and with two."""
        workshop = self._draft.workshop
        two = workshop is not None and workshop.shelf.two_person
        verb = self.tr("同意发布") if self._proposed else self.tr("提交复核") if two else self.tr("发布")
        self._publish.setText(verb)
        if self._own:
            verb = self.tr("等另一位经理同意")
            self._back.setText(self.tr("撤回修改"))
        self.setWindowTitle(self.tr("{verb}：{label}").format(verb=verb, label=self._draft.rule.label))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def _said_before(self) -> QLabel:
        """Why it was proposed, or sent back; hidden if nobody said anything."""
        version = self._draft.version
        text = self.tr("{author}提交复核：{note}") if self._proposed else self.tr("上次退回的原因：{note}")
        if self._own:
            text = self.tr("您提交时写的：{note}")
        label = QLabel(text.format(author=version.author or self.tr("同事"), note=version.note), wordWrap=True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setVisible(bool(version.note) and version.ver is not None)
        return label

    def _build(self) -> None:
        for title in (self._change_title, self._load_title):
            title.setProperty("role", "section")
        for widget, name in ((self._findings, self.tr("检查结果")), (self._changes, self.tr("改动"))):
            widget.setAccessibleName(name)
            widget.setWordWrap(True)
            widget.setMaximumHeight(LIST_PX)
        label = QLabel(self.tr("为什么改（留在版本历史里）"))
        label.setBuddy(self._note)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(8)
        shown: list[QWidget] = [
            self._said_before(),
            self._findings,
            self._seen,
            self._change_title,
            self._changes,
            self._asking,
        ]
        figures: list[QWidget] = [self._sums, self._load_title, self._loads]
        for part in (*shown, *figures):
            column.addWidget(part)
        column.addStretch(1)
        column.addWidget(label)
        column.addWidget(self._note)
        column.addWidget(self._message)
        column.addLayout(self._buttons())
        self._message.setProperty("role", "danger")
        for part in (*figures, self._message):
            part.hide()
        self.resize(WIDTH, HEIGHT)
        self._note.setFocus()

    def _buttons(self) -> QHBoxLayout:
        close = QPushButton(self.tr("取消 Esc"))
        close.clicked.connect(self.reject)
        self._publish.setProperty("kind", "primary")
        self._back.setVisible(self._proposed)
        self._publish.setVisible(not self._own)
        row = QHBoxLayout()
        row.addStretch(1)
        for button in (close, self._back, self._publish):
            button.setAutoDefault(button is self._publish)
            row.addWidget(button)
        return row

    def _connect(self) -> None:
        self.question.asked.connect(self._on_asked)
        self.question.answered.connect(self._on_answered)
        self.question.failed.connect(self._on_failed)
        self.question.nothing.connect(self._check)
        self._asking.again_requested.connect(self.question.ask)
        self._draft.checked.connect(self._show_findings)
        self._findings.itemActivated.connect(self._on_finding)
        self._seen.toggled.connect(self._check)
        self._note.textChanged.connect(self._check)
        self._publish.clicked.connect(self.publish)
        self._back.clicked.connect(self.send_back)
        self._desk.theme.changed.connect(self._show_loads)

    # ── what would happen ────────────────────────────────────────────────────────────────────────────────

    def _trial(self, ask: UUID) -> Trial:
        return Trial(ask=ask, definition=self._draft.rule.as_json())

    def _show_changes(self) -> None:
        """Against the version in force."""
        rule, workshop = self._draft.rule, self._draft.workshop
        former = None if workshop is None else workshop.rules.get(rule.key)
        head = None if workshop is None else workshop.head(rule.key)
        if former is None or head is None:
            self._change_title.setText(self.tr("新规则"))
            self._changes.addItems(self._words.rule(rule))
        else:
            self._change_title.setText(self.tr("和现行的 v{n} 相比").format(n=head.published))
            lines = self._version_words.sentences(former, rule)
            self._changes.addItems(lines or [self.tr("没有不同")])

    @Slot()
    def _show_findings(self) -> None:
        """Errors stand in the way, warnings have to be read; hints stay in the editor."""
        self._findings.clear()
        found = [one for one in self._draft.findings if one.level is not Level.HINT]
        for one in found:
            level, text = self._finding_words.level(one.level), self._finding_words.sentence(one)
            item = QListWidgetItem(self.tr("{level}：{text}").format(level=level, text=text))
            item.setData(PATH_ROLE, one.path)
            self._findings.addItem(item)
        self._findings.setVisible(bool(found))
        self._seen.setVisible(bool(self._of(Level.WARNING)))
        self._check()

    def _of(self, level: Level) -> list[Finding]:
        return [one for one in self._draft.findings if one.level is level]

    @Slot(QListWidgetItem)
    def _on_finding(self, item: QListWidgetItem) -> None:
        path = item.data(PATH_ROLE)
        self.close()
        if path is not None:
            self.line_requested.emit(tuple(path))

    @Slot()
    def _on_asked(self) -> None:
        self._asking.show_busy(self.tr("正在算会发生什么…"))
        self._check()

    @Slot(object)
    def _on_answered(self, diff: Diff) -> None:
        self._diff = diff
        self._asking.show_text("")
        text = self.tr("发布后：进入 {enter} 人，离开 {leave} 人，留下 {stay} 人。")
        self._sums.setText(text.format(enter=f"{diff.enter:,}", leave=f"{diff.leave:,}", stay=f"{diff.stay:,}"))
        self._sums.show()
        self._show_loads()
        self._check()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._asking.show_error(error)
        self._check()

    @Slot()
    def _show_loads(self) -> None:
        """Who would have more than a day takes stands out, by word and by colour."""
        loads = [] if self._diff is None else self._diff.loads
        self._loads.show_lines([(self._whose(one), one.open, one.new, one.capacity) for one in loads])
        for row, one in enumerate(loads):
            if is_over(one):
                self._loads.colour(row, self._desk.theme.tokens.warn)
        for part in (self._load_title, self._loads):
            part.setVisible(bool(loads))

    def _whose(self, load: Load) -> str:
        name = load.person or load.site
        return self.tr("{person}（超出）").format(person=name) if is_over(load) else name

    # ── letting it happen ────────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _check(self) -> None:
        """Nothing is published unseen: errors, unread warnings, no reason, or no figures yet stand in the way."""
        noted = bool(self._note.text().strip()) and not self._sending
        read = not self._of(Level.WARNING) or self._seen.isChecked()
        self._publish.setEnabled(noted and read and not self._of(Level.ERROR) and self._diff is not None)
        self._back.setEnabled(noted)

    @Slot()
    def publish(self) -> None:
        """Ask the centre to put it in force, or to let somebody else decide."""
        self._send(publish_rule, self._on_published)

    @Slot()
    def send_back(self) -> None:
        """Make the proposal a draft again."""
        self._send(send_back, self._on_sent_back)

    def _send(self, act: Callable[..., object], done: Callable[[Any], None]) -> None:
        self._sending = True
        self._message.hide()
        self._check()
        version, note = self._draft.version, self._note.text().strip()
        ask = partial(act, key=self._draft.rule.key, ver=version.ver, note=note)
        self._desk.tasks.consult(self, ask, done=done, failed=self._on_refused)

    @Slot(object)
    def _on_published(self, response: PublishResponse) -> None:
        self.published.emit(response)
        self.accept()

    @Slot(object)
    def _on_sent_back(self, _: object) -> None:
        self.sent_back.emit()
        self.accept()

    @Slot(object)
    def _on_refused(self, error: Exception) -> None:
        """What was written stays."""
        self._sending = False
        self._check()
        if isinstance(error, Rejected) and error.code in ("stale", "already_decided"):
            ask = partial(newest_version, key=self._draft.rule.key)
            self._desk.tasks.consult(self, ask, done=self._on_newest, failed=self._on_not_told)
        elif isinstance(error, Rejected) and error.code == "rule_unsound":
            self._say(self.tr("中心检查出错误，没有发布。请关闭后改好，再发布。"))
        else:
            self._say(self._failures.sentence(error))

    @Slot(object)
    def _on_newest(self, line: RuleVersionLine | None) -> None:
        if line is None:
            self._on_not_told(None)
            return
        state = self._words.state(line.state, number=line.number)
        text = self.tr("没有发布：{author}改过这条规则，现在是{state}。您写的原因还在；请关闭后重新打开这条规则再看。")
        self._say(text.format(author=line.author or self.tr("同事"), state=state))

    @Slot(object)
    def _on_not_told(self, _: object) -> None:
        self._say(self.tr("没有发布：这条规则已被别人改过。您写的原因还在；请关闭后重新打开这条规则再看。"))

    def _say(self, text: str) -> None:
        self._message.setText(text)
        self._message.show()
