"""The keys of the tree."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

if TYPE_CHECKING:
    from hcrm_desktop.views.rules.tree import RuleTree

Act = Callable[[], object]
_KEY, _MOD = Qt.Key, Qt.KeyboardModifier


def command_of(tree: "RuleTree", event: QKeyEvent) -> Act | None:
    """What a key does to the chosen line, None if it is none of ours."""
    pressed = Qt.Key(event.key())
    modifiers = event.modifiers() & ~_MOD.KeypadModifier
    if pressed in (_KEY.Key_Plus, _KEY.Key_Equal) and modifiers in (_MOD.NoModifier, _MOD.ShiftModifier):
        return tree.add_line
    return _commands(tree).get((modifiers, pressed))


def _commands(tree: "RuleTree") -> dict[tuple[Qt.KeyboardModifier, Qt.Key], Act]:
    steps, plain, ctrl, alt = tree.steps, _MOD.NoModifier, _MOD.ControlModifier, _MOD.AltModifier
    return {
        (plain, _KEY.Key_Return): tree.open_form,
        (plain, _KEY.Key_Enter): tree.open_form,
        (plain, _KEY.Key_F2): tree.open_form,
        (plain, _KEY.Key_Insert): tree.add_line,
        (plain, _KEY.Key_R): tree.add_reference,
        (plain, _KEY.Key_Delete): steps.remove,
        (plain, _KEY.Key_D): steps.duplicate,
        (plain, _KEY.Key_M): steps.mute,
        (plain, _KEY.Key_N): steps.negate,
        (plain, _KEY.Key_U): steps.ungroup,
        (plain, _KEY.Key_F): tree.mend_chosen,
        (ctrl, _KEY.Key_Up): steps.up,
        (ctrl, _KEY.Key_Down): steps.down,
        (alt, _KEY.Key_Right): steps.inwards,
        (alt, _KEY.Key_Left): steps.outwards,
        (ctrl, _KEY.Key_G): partial(steps.group, "all"),
        (ctrl | _MOD.ShiftModifier, _KEY.Key_G): partial(steps.group, "any"),
    }
