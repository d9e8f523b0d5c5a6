"""Keys that belong to a widget, not to the whole window."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget


def on_key(widget: QWidget, keys: str, act: Callable[[], object], *, children: bool = False) -> None:
    """Let keys act while a widget has the focus, or, with `children`, anything inside it.

    A key that is held down acts once: whoever rests a finger on "2" must not record one family after another.

    WORKAROUND PySide6 6.11: QShortcut's constructor takes `context=` beside a callable and ignores it.
    """
    shortcut = QShortcut(QKeySequence(keys), widget, act)
    shortcut.setAutoRepeat(False)
    context = Qt.ShortcutContext
    shortcut.setContext(context.WidgetWithChildrenShortcut if children else context.WidgetShortcut)
