"""A record that is open in its page."""

from collections.abc import Callable
from uuid import UUID

import pytest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Role
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.views.record.page import RecordPage
from tests.gui.conftest import DeskFor
from tests.gui.record.filling import NAME

Open = Callable[[Role, UUID], RecordPage]


@pytest.fixture
def record_for(qtbot: QtBot, workspace: Workspace, desk_for: DeskFor) -> Open:
    def make(role: Role, customer_id: UUID) -> RecordPage:
        desk = desk_for(role)
        page = RecordPage(desk.tasks, desk.theme, desk.person, words=desk.words)
        qtbot.addWidget(page)
        page.resize(1182, 720)
        page.show()
        page.activateWindow()
        page.show_customer(customer_id)
        qtbot.waitUntil(lambda: NAME in words(page))
        page.setFocus()
        return page

    return make


def words(widget: QWidget) -> str:
    """All that a person reads there."""
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())
