"""What can be done to a rule's tree: each a step of the draft that can be taken back, or a reason why not."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from hcrm_core.errors import Rejected
from hcrm_core.rules import editing
from hcrm_core.rules.linting import Finding
from hcrm_core.rules.model import AllOf, AnyOf, Node, NotOf, Path, children
from hcrm_desktop.models.rule_draft import RuleDraft
from hcrm_desktop.models.rule_tree import BLANK

Act = Callable[[Node, Path], editing.Edit]


class Steps(QObject):
    """Edits the chosen line of a draft.

    Signals:
        refused: why a step is not possible, in words.
    """

    refused = Signal(str)

    def __init__(self, draft: RuleDraft) -> None:
        super().__init__(draft)
        self._draft = draft

    # ── adding and taking away ───────────────────────────────────────────────────────────────────────────

    def add(self, node: Node = BLANK) -> bool:
        """A line more: at the end of the chosen group, or after the chosen line."""
        return self._do(self.tr("增加条件"), lambda tree, path: _added(tree, path, node))

    def remove(self) -> bool:
        return self._do(self.tr("删除"), editing.removed)

    def duplicate(self) -> bool:
        return self._do(self.tr("复制一份"), editing.duplicated)

    def mute(self) -> bool:
        """Leave the line out, or count it again."""
        muted = editing.at(self._draft.rule.where, self._draft.path).muted
        return self._do(self.tr("恢复") if muted else self.tr("停用"), editing.toggled_muted)

    # ── groups ───────────────────────────────────────────────────────────────────────────────────────────

    def group(self, kind: editing.Kind) -> bool:
        """A group around the chosen line."""
        return self._do(self._grouping(kind), lambda tree, path: editing.wrapped(tree, path, kind=kind))

    def regroup(self, kind: editing.Kind) -> bool:
        """Another kind of group."""
        return self._do(self.tr("改组的类型"), lambda tree, path: editing.regrouped(tree, path, kind=kind))

    def ungroup(self) -> bool:
        return self._do(self.tr("解散组"), editing.unwrapped)

    def negate(self) -> bool:
        return self._do(self.tr("取反"), editing.negated)

    def _grouping(self, kind: editing.Kind) -> str:
        return {
            "all": self.tr("编为“全部满足”"),
            "any": self.tr("编为“任一满足”"),
            "not": self.tr("编为“不满足”"),
        }[kind]

    # ── moving ───────────────────────────────────────────────────────────────────────────────────────────

    def up(self) -> bool:
        """Before the neighbour above."""
        return self._beside(-1)

    def down(self) -> bool:
        """After the neighbour below."""
        return self._beside(1)

    def _beside(self, by: int) -> bool:
        path = self._draft.path
        if not path or not 0 <= path[-1] + by < len(children(self._at(path[:-1]))):
            return self._refuse("no_neighbour")
        return self.move(path, to=path[:-1], index=path[-1] + by + (1 if by > 0 else 0))

    def inwards(self) -> bool:
        """Into the group that stands next to it, first the one above."""
        path = self._draft.path
        for by in (-1, 1):
            beside = (*path[:-1], path[-1] + by) if path and path[-1] + by >= 0 else ()
            group = self._at(beside) if beside and beside[-1] < len(children(self._at(beside[:-1]))) else None
            if isinstance(group, AllOf | AnyOf):
                return self.move(path, to=beside, index=len(children(group)) if by < 0 else 0)
        return self._refuse("no_group_beside")

    def outwards(self) -> bool:
        """Out of its group, to stand after it."""
        path = self._draft.path
        for length in range(len(path) - 2, -1, -1):
            if isinstance(self._at(path[:length]), AllOf | AnyOf):
                return self.move(path, to=path[:length], index=path[length] + 1)
        return self._refuse("outermost")

    def move(self, path: Path, *, to: Path, index: int) -> bool:
        """A line or group to another place."""
        return self._do(self.tr("移动"), lambda tree, _: editing.moved(tree, path, to=to, index=index))

    # ── changing ─────────────────────────────────────────────────────────────────────────────────────────

    def change(self, path: Path, node: Node, *, merge: int = -1) -> bool:
        """Another node in a place. Steps in a row with the same `merge` are taken back as one."""
        return self._do(self.tr("修改条件"), lambda tree, _: editing.replaced(tree, path, node), merge=merge)

    def mend(self, finding: Finding) -> bool:
        """Take over what the linter proposes."""
        if finding.fix is None:
            return False
        self._draft.apply(finding.fix, text=self.tr("修正"), path=_nearest(finding.fix.where, self._draft.path))
        return True

    # ── behind ───────────────────────────────────────────────────────────────────────────────────────────

    def _at(self, path: Path) -> Node:
        return editing.at(self._draft.rule.where, path)

    def _do(self, text: str, act: Act, *, merge: int = -1) -> bool:
        rule = self._draft.rule
        try:
            where, path = act(rule.where, self._draft.path)
        except Rejected as error:
            return self._refuse(error.code)
        self._draft.apply(rule.model_copy(update={"where": where}), text=text, path=path, merge=merge)
        return True

    def _refuse(self, code: str) -> bool:
        self.refused.emit(
            {
                "rule_empty": self.tr("规则至少要有一个条件，可以先加新的，再删除这一条。"),
                "rule_too_large": self.tr("规则最多 8 层、200 行，请拆成几条规则。"),
                "into_itself": self.tr("组不能移到自己里面。"),
                "group_unsuitable": self.tr("这里放不下：“不满足”里只能有一条，请先编组。"),
                "no_neighbour": self.tr("已经在组的尽头了，移出组用 Alt+←。"),
                "no_group_beside": self.tr("旁边没有组可以移进去，编组用 Ctrl+G。"),
                "outermost": self.tr("已经在最外层了。"),
            }.get(code, self.tr("这一步做不了。"))
        )
        return False


def _added(tree: Node, path: Path, node: Node) -> editing.Edit:
    """A line more at the end of a group or after a line; where there is room for one only, both come into a group."""
    chosen = editing.at(tree, path)
    if isinstance(chosen, AllOf | AnyOf):
        return editing.inserted(tree, path, index=len(children(chosen)), node=node)
    above = editing.at(tree, path[:-1]) if path else None
    if isinstance(above, AllOf | AnyOf):
        return editing.inserted(tree, path[:-1], index=path[-1] + 1, node=node)
    kind: editing.Kind = "any" if isinstance(above, NotOf) else "all"
    wrapped, inside = editing.wrapped(tree, path, kind=kind)
    return editing.inserted(wrapped, inside[:-1], index=1, node=node)


def _nearest(tree: Node, path: Path) -> Path:
    """The path itself, or the nearest line above that still is."""
    while path:
        try:
            editing.at(tree, path)
        except Rejected:
            path = path[:-1]
        else:
            break
    return path
