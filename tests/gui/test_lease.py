"""While customers may not be shown, nothing of them is on the screen, and what was entered is safe and in reach."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Role
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views import main_window
from hcrm_desktop.views.lease_cover import LeaseCover
from hcrm_desktop.views.main_window import MainFrame
from hcrm_desktop.views.record.follow_up import FollowUpDialog
from hcrm_desktop.views.record.page import RecordPage
from hcrm_desktop.views.today.page import TodayPage
from tests.gui.conftest import DeskFor
from tests.gui.filling import add_tasks
from tests.gui.record.filling import NAME, add_child
from tests.gui.test_frame import NOW, status


@pytest.fixture
def frame_for(qtbot: QtBot, desk_for: DeskFor) -> Iterator[Callable[[Role], MainFrame]]:
    def make(role: Role) -> MainFrame:
        frame = MainFrame(desk_for(role))
        qtbot.addWidget(frame)
        frame.resize(1366, 768)
        frame.show()
        frame.activateWindow()
        return frame

    return make  # type: ignore[return-value] # a plain fixture


def over(**known: Any) -> Any:
    nothing = {"online": False, "offline_since": NOW, "lease_over": True, "lease_until": NOW - timedelta(days=1)}
    return status(**(nothing | known))


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def everything(frame: MainFrame) -> str:
    """Also what is hidden behind something else."""
    return "\n".join(label.text() for label in frame.findChildren(QLabel))


def test_a_lease_that_ends_takes_every_customer_off_the_screen_and_out_of_the_widgets(
    qtbot: QtBot, workspace: Workspace, tasks: Tasks, frame_for: Callable[[Role], MainFrame]
) -> None:
    add_tasks(workspace, "王小明")
    child = add_child(workspace)
    frame = frame_for(Role.ASSISTANT)
    qtbot.waitUntil(lambda: "王芳，您好！" in words(frame))
    frame.open_customer(child)
    qtbot.waitUntil(lambda: NAME in words(frame))
    tasks.sync_state_changed.emit(over(unsent=3, oldest_unsent_at=NOW))
    assert isinstance(frame.current_page(), LeaseCover)
    said = words(frame)
    assert "授权到 2026-11-21 09:00 为止" in said
    assert "3 条录入在本机等待上传，最早 09:00" in said
    assert not frame.search.isEnabled()
    qtbot.waitUntil(lambda: NAME not in everything(frame) and "王小明" not in everything(frame))
    frame.go("customers")
    assert isinstance(frame.current_page(), LeaseCover)


def test_open_dialogs_close_with_it(
    qtbot: QtBot, workspace: Workspace, tasks: Tasks, frame_for: Callable[[Role], MainFrame]
) -> None:
    frame = frame_for(Role.ASSISTANT)
    frame.open_customer(add_child(workspace))
    qtbot.waitUntil(lambda: NAME in words(frame))
    qtbot.keyClick(frame.current_page(), Qt.Key.Key_F)
    qtbot.waitUntil(lambda: bool(frame.findChildren(FollowUpDialog)))
    tasks.sync_state_changed.emit(over())
    qtbot.waitUntil(lambda: not [one for one in frame.findChildren(QDialog) if one.isVisible()])


def test_what_waits_to_be_sent_stays_in_reach(
    qtbot: QtBot, tasks: Tasks, frame_for: Callable[[Role], MainFrame]
) -> None:
    frame = frame_for(Role.ASSISTANT)
    tasks.sync_state_changed.emit(over(unsent=1))
    cover = frame.findChild(LeaseCover)
    assert cover is not None
    next(one for one in cover.findChildren(QPushButton) if one.text().startswith("查看未上传")).click()
    assert not isinstance(frame.current_page(), LeaseCover)


def test_everything_comes_back_by_itself_after_a_sync(
    qtbot: QtBot, workspace: Workspace, tasks: Tasks, frame_for: Callable[[Role], MainFrame]
) -> None:
    child = add_child(workspace)
    frame = frame_for(Role.ASSISTANT)
    frame.open_customer(child)
    qtbot.waitUntil(lambda: NAME in words(frame))
    tasks.sync_state_changed.emit(over())
    assert isinstance(frame.current_page(), LeaseCover)
    tasks.sync_state_changed.emit(status())
    assert isinstance(frame.current_page(), RecordPage)
    qtbot.waitUntil(lambda: NAME in words(frame))
    assert frame.search.isEnabled()
    frame.go("today")
    assert isinstance(frame.current_page(), TodayPage)


@pytest.mark.parametrize(
    ("known", "said", "buttons"),
    [
        ({"lease_over": True}, "请接上网络", ["立即同步", "查看未上传"]),
        ({"lease_over": True, "problem": "sign_in_required"}, "请接上网络", ["重新登录", "查看未上传"]),
        ({"problem": "revoked", "lease_over": False}, "这台工作站已被停用", ["立即同步", "查看未上传"]),
        ({"problem": "wiped", "state": "wiping"}, "正在清除本机数据", ["立即同步", "查看未上传"]),
        ({"problem": "wiped", "state": "stopped"}, "本机数据已按要求清除", []),
    ],
)
def test_the_cover_says_what_happened_and_what_can_be_done(
    tasks: Tasks,
    frame_for: Callable[[Role], MainFrame],
    known: dict[str, Any],
    said: str,
    buttons: list[str],
) -> None:
    frame = frame_for(Role.ASSISTANT)
    tasks.sync_state_changed.emit(over(**known))
    cover = frame.current_page()
    assert isinstance(cover, LeaseCover)
    assert said in words(cover)
    shown = [one.text().partition(" ")[0] for one in cover.findChildren(QPushButton) if one.isVisible()]
    assert [text for text in buttons if not any(one.startswith(text) for one in shown)] == []
    assert len(shown) == len(buttons)


def test_a_workstation_that_nobody_touches_covers_itself(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, frame_for: Callable[[Role], MainFrame]
) -> None:
    monkeypatch.setattr(main_window, "MINUTE_MS", 10)
    frame = frame_for(Role.ASSISTANT)
    monkeypatch.setattr("hcrm_desktop.cache.queries.sync_status", lambda _session: over())
    qtbot.waitUntil(lambda: isinstance(frame.current_page(), LeaseCover))
