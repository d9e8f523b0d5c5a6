"""A page for managers, with an office behind it that a test fills."""

from typing import Any

from PySide6.QtWidgets import QLabel, QPushButton, QTableView, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.errors import Unreachable
from hcrm_desktop.tasks import Tasks
from tests.fakes import FakeClock, FakeConversation, FakeOffice

NO_NETWORK = Unreachable("the centre does not answer", remedy="check the network")


def office_of(tasks: Tasks, clock: FakeClock) -> FakeOffice:
    """Questions of the screens are answered by this office from now on."""
    office = FakeOffice(clock)
    tasks._conversation = FakeConversation(office)  # type: ignore[assignment] # it only puts questions
    return office


def shown(qtbot: QtBot, page: QWidget) -> None:
    qtbot.addWidget(page)
    page.resize(1182, 700)  # beside the rail of a small laptop
    page.show()
    page.activateWindow()


def words(page: QWidget) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())


def cells(page: QWidget) -> list[list[Any]]:
    table = page.findChild(QTableView)
    assert table is not None
    model = table.model()
    return [[model.index(r, c).data() for c in range(model.columnCount())] for r in range(model.rowCount())]


def button(page: QWidget, text: str) -> QPushButton:
    return next(one for one in page.findChildren(QPushButton) if one.text().startswith(text))


def offered(page: QWidget, *texts: str) -> list[str]:
    """Which of these buttons a person sees."""
    return [text for text in texts if button(page, text).isVisible()]
