"""What can be done to the chosen line, as a menu and as a row of buttons; keys stand beside."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from hcrm_desktop.views.rules.tree import RuleTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One thing to do.

    Attributes:
        short: for a button, "" if it has none.
        gap: something else begins here.
    """

    text: str
    keys: str
    act: Callable[[], object]
    short: str = ""
    gap: bool = False


class Offers(QObject):
    """All that can be done to a line."""

    def __init__(self, tree: "RuleTree") -> None:
        super().__init__(tree)
        self._tree = tree

    def all(self) -> list[Offer]:
        tree, steps = self._tree, self._tree.steps
        return [
            Offer(text=self.tr("修改"), keys="Enter", act=tree.open_form),
            Offer(text=self.tr("增加条件"), short=self.tr("＋ 条件"), keys="Ins", act=tree.add_line),
            Offer(text=self.tr("引用另一条规则"), short=self.tr("＋ 规则"), keys="R", act=tree.add_reference),
            Offer(text=self.tr("复制一份"), short=self.tr("复制"), keys="D", act=steps.duplicate, gap=True),
            Offer(text=self.tr("停用 / 恢复"), short=self.tr("停用"), keys="M", act=steps.mute),
            Offer(text=self.tr("删除"), short=self.tr("删除"), keys="Del", act=steps.remove),
            Offer(
                text=self.tr("编为“全部满足”"),
                short=self.tr("全部"),
                keys="Ctrl+G",
                act=partial(steps.group, "all"),
                gap=True,
            ),
            Offer(
                text=self.tr("编为“任一满足”"),
                short=self.tr("任一"),
                keys="Ctrl+Shift+G",
                act=partial(steps.group, "any"),
            ),
            Offer(text=self.tr("取反：不满足"), short=self.tr("不"), keys="N", act=steps.negate),
            Offer(text=self.tr("解散组"), keys="U", act=steps.ungroup),
            Offer(text=self.tr("上移"), short=self.tr("↑"), keys="Ctrl+↑", act=steps.up, gap=True),
            Offer(text=self.tr("下移"), short=self.tr("↓"), keys="Ctrl+↓", act=steps.down),
            Offer(text=self.tr("移进旁边的组"), short=self.tr("→"), keys="Alt+→", act=steps.inwards),
            Offer(text=self.tr("移出组"), short=self.tr("←"), keys="Alt+←", act=steps.outwards),
        ]


def line_menu(tree: "RuleTree") -> QMenu:
    """The menu of the chosen line; it goes when it closes."""
    menu = QMenu(tree)
    menu.aboutToHide.connect(menu.deleteLater)
    for offer in tree.offers.all():
        if offer.gap:
            menu.addSeparator()
        action = QAction(f"{offer.text}\t{offer.keys}", menu)
        action.triggered.connect(offer.act)
        menu.addAction(action)
    return menu
