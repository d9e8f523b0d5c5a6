"""分享到平板 from the record: what is shown, how it ends, and what is said when it cannot be."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.errors import NotPermitted
from hcrm_core.handout import Share, ShareRequest
from hcrm_core.terms import Role
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.record.page import RecordPage
from hcrm_desktop.views.record.share import QrCode, ShareDialog
from hcrm_store.base import new_id
from tests.fakes import FakeConversation
from tests.gui.conftest import DeskFor
from tests.gui.office import NO_NETWORK, button, words
from tests.gui.record.filling import NAME, add_child

Open = Callable[..., ShareDialog]
LINK = "http://192.168.1.20:8765/h/" + "k" * 43


class Sharing:
    """A centre that shares and ends, or says why not."""

    def __init__(self) -> None:
        self.asked: list[UUID] = []
        self.ended: list[UUID] = []
        self.error: Exception | None = None

    def share(self, request: ShareRequest, *, headers: dict[str, str]) -> Share:
        self._answer()
        self.asked.append(request.customer_id)
        until = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
        return Share(id=new_id(), url=LINK, code="12345678", page="http://192.168.1.20:8765/h", expires_at=until)

    def end_share(self, share_id: UUID, *, headers: dict[str, str]) -> None:
        self._answer()
        self.ended.append(share_id)

    def _answer(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def centre(tasks: Tasks) -> Sharing:
    made = Sharing()
    tasks._conversation = FakeConversation(made)  # type: ignore[assignment, arg-type] # it only puts questions
    return made


@pytest.fixture
def open_dialog(qtbot: QtBot, tasks: Tasks) -> Open:
    window = QWidget()
    qtbot.addWidget(window)

    def made(customer_id: UUID | None = None) -> ShareDialog:
        dialog = ShareDialog(tasks, customer_id or new_id(), name="林小满", parent=window)
        dialog.open()
        return dialog

    return made


def dark(widget: QWidget) -> int:
    """Black pixels of a widget as it is painted."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    points = ((x, y) for x in range(0, image.width(), 2) for y in range(0, image.height(), 2))
    return sum(image.pixelColor(x, y).value() < 20 for x, y in points)


def test_the_code_the_digits_and_the_end_are_told(qtbot: QtBot, open_dialog: Open, centre: Sharing) -> None:
    customer_id = new_id()
    dialog = open_dialog(customer_id)
    qtbot.waitUntil(lambda: "1234 5678" in words(dialog))
    assert centre.asked == [customer_id]
    assert "http://192.168.1.20:8765/h，" in words(dialog)
    assert "10:00 自动关闭" in words(dialog)  # the clinic's time
    assert "k" * 43 not in words(dialog)
    code = dialog.findChild(QrCode)
    assert code is not None
    assert dark(code) > 1000
    for label in dialog.findChildren(QWidget):
        assert label.height() >= label.minimumSizeHint().height()


def test_ending_clears_the_code_and_says_so(qtbot: QtBot, open_dialog: Open, centre: Sharing) -> None:
    dialog = open_dialog()
    end = button(dialog, "结束分享")
    qtbot.waitUntil(end.isEnabled)
    end.click()
    qtbot.waitUntil(lambda: "分享已结束" in words(dialog))
    assert len(centre.ended) == 1
    assert "1234" not in words(dialog)
    code = dialog.findChild(QrCode)
    assert code is not None
    assert dark(code) == 0
    assert not end.isEnabled()


@pytest.mark.parametrize(
    ("error", "said"), [(NO_NETWORK, "连不上中心"), (NotPermitted("no", remedy="ask"), "没有这项权限")]
)
def test_without_an_answer_the_reason_is_told(
    qtbot: QtBot, open_dialog: Open, centre: Sharing, error: Exception, said: str
) -> None:
    centre.error = error
    dialog = open_dialog()
    qtbot.waitUntil(lambda: said in words(dialog))
    assert not button(dialog, "结束分享").isEnabled()


def test_an_end_that_fails_can_be_tried_again(qtbot: QtBot, open_dialog: Open, centre: Sharing) -> None:
    dialog = open_dialog()
    end = button(dialog, "结束分享")
    qtbot.waitUntil(end.isEnabled)
    centre.error = NO_NETWORK
    end.click()
    qtbot.waitUntil(lambda: "连不上中心" in words(dialog))
    centre.error = None
    end.click()
    qtbot.waitUntil(lambda: "分享已结束" in words(dialog))


def test_the_record_shares_whom_it_shows(
    qtbot: QtBot, desk_for: DeskFor, workspace: Workspace, centre: Sharing
) -> None:
    desk = desk_for(Role.ASSISTANT)
    page = RecordPage(desk.tasks, desk.theme, desk.person, words=desk.words)
    qtbot.addWidget(page)
    page.resize(1182, 720)
    page.show()
    qtbot.keyClick(page, Qt.Key.Key_T)  # nobody is shown yet
    customer_id = add_child(workspace)
    page.show_customer(customer_id)
    page.setFocus()
    qtbot.waitUntil(lambda: NAME in words(page))
    qtbot.keyClick(page, Qt.Key.Key_T)
    qtbot.waitUntil(lambda: centre.asked == [customer_id])
    assert button(page, "平板").isVisible()
    (dialog,) = page.findChildren(ShareDialog)
    dialog.close()
