"""A line of the tree opened for editing, in its place: what all forms share, and those of groups and references."""

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hcrm_core.rules.editing import Kind
from hcrm_core.rules.model import AllOf, AnyOf, Node, Reference
from hcrm_desktop.views.rules.inputs import QuietBox


class LineForm(QWidget):
    """What is common to the forms of all lines.

    Attributes:
        room: how wide the form will be.

    Signals:
        edited: another node for this place.
        regrouped: another kind for this group.
        left: the person is done here (Esc or Enter).
        grown: the form needs another height.
        parameter_requested: the key of a parameter to look at in its table.
    """

    edited = Signal(object)
    regrouped = Signal(str)
    left = Signal()
    grown = Signal()
    parameter_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.room = 0
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(12, 9, 12, 9)
        self.column.setSpacing(8)

    def show_node(self, node: Node) -> None:
        """Let a node stand here, after an undo for instance; nothing is emitted."""
        raise NotImplementedError

    def begin(self) -> None:
        """Put the cursor where work begins."""
        raise NotImplementedError

    def sizeHint(self) -> QSize:
        """What the form needs at its room; the tree gives a line that height."""
        height = self.column.totalHeightForWidth(self.room) if self.column.hasHeightForWidth() else -1
        return QSize(self.room, height if height >= 0 else self.column.totalSizeHint().height())

    def event(self, event: QEvent) -> bool:
        """What is inside has other sizes now."""
        done = super().event(event)
        if event.type() is QEvent.Type.LayoutRequest:
            self.grown.emit()
        return done

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press beside the fields is none on the line below."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """As above."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
        # Other keys do not reach the tree below: a letter typed here is no command.


def chosen_of(group: QButtonGroup) -> str:
    """For what the checked button of a group stands."""
    button = group.checkedButton()
    assert button is not None  # the groups of the forms are exclusive
    return str(button.property("of"))


class GroupForm(LineForm):
    """Which kind of group."""

    def __init__(self) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(8)
        for kind, label in (("all", self.tr("全部满足")), ("any", self.tr("任一满足")), ("not", self.tr("不满足"))):
            button = QPushButton(label)
            button.setCheckable(True)
            button.setProperty("kind", "chip")
            button.setProperty("of", kind)
            self._group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        self.column.addLayout(row)
        self._group.buttonClicked.connect(self._on_clicked)

    def show_node(self, node: Node) -> None:
        kind: Kind = "all" if isinstance(node, AllOf) else "any" if isinstance(node, AnyOf) else "not"
        for button in self._group.buttons():
            button.setChecked(button.property("of") == kind)

    def begin(self) -> None:
        for button in self._group.buttons():
            if button.isChecked():
                button.setFocus()

    @Slot()
    def _on_clicked(self) -> None:
        self.regrouped.emit(chosen_of(self._group))


class ReferenceForm(LineForm):
    """Which rule is referred to."""

    def __init__(self, labels: dict[str, str]) -> None:
        super().__init__()
        self._box = QuietBox()
        self._box.setAccessibleName(self.tr("引用的规则"))
        for key, label in labels.items():
            self._box.addItem(label, key)
        row = QHBoxLayout()
        row.addWidget(QLabel(self.tr("符合规则")))
        row.addWidget(self._box)
        row.addStretch(1)
        self.column.addLayout(row)
        self._reference = Reference(rule="")
        self._box.activated.connect(self._on_activated)

    def show_node(self, node: Node) -> None:
        assert isinstance(node, Reference)
        self._reference = node
        self._box.setCurrentIndex(self._box.findData(node.rule))

    def begin(self) -> None:
        self._box.setFocus()

    @Slot()
    def _on_activated(self) -> None:
        self.edited.emit(self._reference.model_copy(update={"rule": self._box.currentData()}))
