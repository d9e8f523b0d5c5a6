"""复制为新规则, 导出… and 导入…: rules by the file, and one rule from another."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from hcrm_core.rules import Rule
from hcrm_core.rules.messages import DraftSaved
from hcrm_desktop.models.rule_desk import OpenedRule, keep_draft
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.models.rule_file import Incoming, Mistake, Place, duplicate, read_rule, write_rule
from hcrm_desktop.views.failures import Failures
from hcrm_desktop.views.main_window import Desk
from hcrm_desktop.views.rules.question import Answer

Ask = Callable[[str, Sequence[Answer]], None]


class RuleExchange(QObject):
    """Asks for files and names; what stands in the editor is the page's.

    Signals:
        said: for the toast.
        duplicated: `OpenedRule`, a draft that the centre keeps by now.
        arrived: a `Rule` from a file, which somebody agreed to.
    """

    said = Signal(str)
    duplicated = Signal(object)
    arrived = Signal(object)

    def __init__(self, desk: Desk, draft: RuleDraft, *, ask: Ask, above: QWidget) -> None:
        super().__init__(above)
        self._desk, self._draft, self._ask, self._above = desk, draft, ask, above
        self._failures = Failures(self)

    # ── a copy ───────────────────────────────────────────────────────────────────────────────────────────

    def duplicate(self, rule: Rule) -> None:
        """Keep a copy as a draft with a key of its own."""
        workshop = self._draft.workshop
        heads = [] if workshop is None else workshop.shelf.rules
        taken = [name for head in heads for name in (head.key, head.segment_key)]
        copy = duplicate(rule, taken=taken, ending=self.tr(" 副本"))
        ask = partial(keep_draft, rule=copy, ver=None, based_on=None)
        self._desk.tasks.consult(self, ask, done=partial(self._on_duplicated, copy), failed=self._on_failed)

    def _on_duplicated(self, copy: Rule, saved: DraftSaved) -> None:
        self.said.emit(self.tr("已复制为“{label}”，是草稿").format(label=copy.label))
        self.duplicated.emit(OpenedRule(rule=copy, number=saved.number, ver=saved.ver))

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.said.emit(self._failures.sentence(error))

    # ── to a file ────────────────────────────────────────────────────────────────────────────────────────

    def choose_target(self) -> None:
        """Ask where the rule as it stands shall be written."""
        dialog = self._dialog(self.tr("导出规则"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.selectFile(f"{self._draft.rule.key}.json")
        dialog.fileSelected.connect(self.write)
        dialog.open()

    @Slot(str)
    def write(self, path: str) -> None:
        """Write the rule as it stands."""
        target = {"path": Path(path), "rule": self._draft.rule}
        self._desk.tasks.query(self, write_rule, **target, done=self._on_written, failed=self._on_not_written)

    @Slot(object)
    def _on_written(self, path: Path) -> None:
        self.said.emit(self.tr("已导出：{name}").format(name=path.name))

    @Slot(object)
    def _on_not_written(self, _: Exception) -> None:
        self.said.emit(self.tr("没有导出：那里写不进去，请换一个文件夹，或先关闭打开着的文件。"))

    # ── from a file ──────────────────────────────────────────────────────────────────────────────────────

    def choose_source(self) -> None:
        """Ask which file to read."""
        dialog = self._dialog(self.tr("导入规则"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.read)
        dialog.open()

    @Slot(str)
    def read(self, path: str) -> None:
        """Read a file; nothing changes before it is understood."""
        workshop = self._draft.workshop
        if workshop is not None:
            within = workshop.within(self._desk.tasks.today())
            self._desk.tasks.query(self, read_rule, path=Path(path), within=within, done=self._on_read)

    @Slot(object)
    def _on_read(self, found: Incoming) -> None:
        if found.rule is None:
            lines = [self._mistake(one) for one in found.mistakes]
            text = self.tr("没有导入，什么都没有改。{lines}").format(lines=self.tr("；").join(lines))
            self._ask(text, [(self.tr("知道了"), _nothing)])
            return
        concerns = [*self._taken(found.rule), *self._strange(found.strange)]
        if not concerns:
            self.arrived.emit(found.rule)
            return
        yes = partial(self.arrived.emit, found.rule)
        self._ask("".join(concerns), [(self.tr("导入"), yes), (self.tr("不导入"), _nothing)])

    def _taken(self, rule: Rule) -> list[str]:
        workshop = self._draft.workshop
        head = None if workshop is None else workshop.head(rule.key)
        if head is None:
            return []
        return [self.tr("“{label}”已经有了，导入后是它的新草稿，客群不变。").format(label=head.label)]

    def _strange(self, names: Sequence[str]) -> list[str]:
        if not names:
            return []
        text = self.tr("这个中心没有：{names}。导入后改好这几处才能发布。")
        return [text.format(names=self.tr("、").join(names))]

    def _mistake(self, one: Mistake) -> str:
        texts = {
            "not_json": self.tr("文件不是 JSON：第 {line} 行第 {column} 列看不懂"),
            "too_large": self.tr("文件太大，不是一条规则"),
            "unreadable": self.tr("文件打不开，或不是文本"),
            "oversized": self.tr("规则太大：最多 8 层、200 行"),
            "missing": self.tr("缺少“{place}”"),
            "superfluous": self.tr("不认识“{place}”"),
        }
        text = texts.get(one.code, self.tr("“{place}”写得不对"))
        line, column = one.place if one.code == "not_json" else ("", "")
        return text.format(line=line, column=column, place=self._place(one.place))

    def _place(self, place: Place) -> str:
        parts = [self.tr("第 {n} 条").format(n=one + 1) if isinstance(one, int) else one for one in place]
        return self.tr(" › ").join(parts) or self.tr("整个文件")

    def _dialog(self, title: str) -> QFileDialog:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog = QFileDialog(self._above, title, folder, self.tr("规则 (*.json)"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog


def _nothing() -> None:
    """The question closes by itself."""
