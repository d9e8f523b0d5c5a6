"""The frame around the pages: rail by role, search, the truth about the connection, undo, help, theme."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontInfo, QFontMetrics
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Role
from hcrm_desktop.cache import commands
from hcrm_desktop.cache.rows import SyncStatus
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.theme import DARK, LIGHT, Theme, Tokens
from hcrm_desktop.views.main_window import MainFrame
from hcrm_desktop.views.search import SearchField
from hcrm_desktop.views.status import Banner, SyncCorner
from hcrm_desktop.views.words import Words
from hcrm_store.base import new_id
from tests.gui.conftest import DeskFor
from tests.gui.filling import TODAY, add_tasks, child_rows, put

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)  # nine o'clock in the clinic
Open = Callable[[Role], MainFrame]


@pytest.fixture
def frame_for(qtbot: QtBot, desk_for: DeskFor) -> Open:
    def make(role: Role) -> MainFrame:
        desk = desk_for(role)
        frame = MainFrame(desk)
        desk.theme.dress(frame)
        qtbot.addWidget(frame)
        frame.resize(1366, 768)
        frame.show()
        frame.activateWindow()
        qtbot.waitUntil(frame.isActiveWindow)
        return frame

    return make


def rail(frame: MainFrame) -> list[str]:
    return [button.text() for button in frame.findChildren(QPushButton) if button.property("kind") == "nav"]


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


# ── rail ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("role", "entries"),
    [
        (Role.ASSISTANT, ["今日任务", "客户", "客户档案", "同步"]),
        (Role.OPTOMETRIST, ["今日任务", "客户", "客户档案", "同步"]),
        (Role.MANAGER, ["概览", "今日任务", "客户", "客户档案", "规则", "待裁决", "工作站", "同步"]),
        (Role.EXECUTIVE, ["概览", "同步"]),
        (Role.ADMIN, ["工作站", "同步"]),
    ],
)
def test_the_rail_holds_what_the_role_works_with(frame_for: Open, role: Role, entries: list[str]) -> None:
    frame = frame_for(role)
    assert rail(frame) == entries
    assert frame.search.isVisible() is (role not in (Role.EXECUTIVE, Role.ADMIN))


def test_alt_and_a_number_change_the_page(qtbot: QtBot, frame_for: Open) -> None:
    frame = frame_for(Role.ASSISTANT)
    first = frame.current_page()
    qtbot.keyClick(frame, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert frame.current_page() is not first
    qtbot.keyClick(frame, Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    assert frame.current_page() is first


# ── search ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("typed", ["wxm", "0011", "王小明"])
def test_a_child_is_found_and_opened_without_the_mouse(
    qtbot: QtBot, workspace: Workspace, frame_for: Open, typed: str
) -> None:
    wanted = new_id()
    put(workspace, *child_rows("王小明", initials="wxm", id=wanted))
    frame = frame_for(Role.ASSISTANT)
    qtbot.keyClick(frame, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert frame.search.hasFocus()
    frame.search.insert(typed)  # an input method writes Chinese, not keys
    frame.search.textEdited.emit(typed)
    answers = frame.findChild(QListWidget)
    assert answers is not None
    qtbot.waitUntil(answers.isVisible)
    assert "王小明" in answers.item(0).text()
    with qtbot.waitSignal(frame.search.customer_chosen) as chosen:
        qtbot.keyClick(frame.search, Qt.Key.Key_Return)
    assert chosen.args == [wanted]
    qtbot.waitUntil(lambda: "王小明" in words(frame))


def test_arrows_choose_and_escape_closes(qtbot: QtBot, workspace: Workspace, frame_for: Open) -> None:
    put(workspace, *child_rows("王小明", initials="wxm"), *child_rows("王小红", initials="wxh"))
    field, answers = asked(qtbot, frame_for(Role.ASSISTANT), "wx")
    qtbot.keyClick(field, Qt.Key.Key_Down)
    assert answers.currentRow() == 1
    qtbot.keyClick(field, Qt.Key.Key_Down)
    assert answers.currentRow() == 1
    qtbot.keyClick(field, Qt.Key.Key_Up)
    assert answers.currentRow() == 0
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert not answers.isVisible()


def test_a_search_without_answer_says_how_to_search(qtbot: QtBot, frame_for: Open) -> None:
    field, answers = asked(qtbot, frame_for(Role.ASSISTANT), "zzz")
    assert "拼音首字母" in answers.item(0).text()
    with qtbot.assertNotEmitted(field.customer_chosen):
        qtbot.keyClick(field, Qt.Key.Key_Return)


def asked(qtbot: QtBot, frame: MainFrame, text: str) -> tuple[SearchField, QListWidget]:
    frame.search.setFocus()
    qtbot.keyClicks(frame.search, text)
    answers = frame.findChild(QListWidget)
    assert answers is not None
    qtbot.waitUntil(answers.isVisible)
    return frame.search, answers


# ── the truth about the connection ───────────────────────────────────────────────────────────────────────


def status(**known: Any) -> SyncStatus:
    nothing: dict[str, Any] = {
        "online": True,
        "catching_up": False,
        "last_success_at": NOW,
        "offline_since": None,
        "unsent": 0,
        "oldest_unsent_at": None,
        "needs_person": 0,
        "scanned_at": NOW - timedelta(hours=3),
        "scanned_for": TODAY,
    }
    return SyncStatus(**(nothing | known))


@pytest.mark.parametrize(
    ("known", "corner", "banner"),
    [
        ({}, "已同步 09:00", ""),
        ({"unsent": 2}, "2 条录入未上传", ""),
        ({"online": False, "offline_since": NOW, "unsent": 3}, "离线，09:00 起", "未上传 3 条"),
        ({"online": False, "offline_since": NOW - timedelta(days=1)}, "离线，11-21 09:00 起", "离线中"),
        ({"catching_up": True}, "正在下载", ""),
        ({"online": False, "last_success_at": None}, "正在连接", ""),
        ({"needs_person": 1}, "已同步", "1 条录入需要您处理"),
        ({"problem": "sign_in_required"}, "需要重新登录", "登录已过期"),
        ({"problem": "revoked"}, "工作站已停用", "请联系管理员"),
        ({"problem": "upgrade_required"}, "需要升级", "版本太旧"),
        ({"scanned_at": None}, "任务尚未扫描", ""),
        ({}, "数据截至 06:00 扫描", ""),
    ],
)
def test_connection_and_freshness_are_said_in_words(
    qtbot: QtBot, theme: Theme, known: dict[str, Any], corner: str, banner: str
) -> None:
    shown, above = SyncCorner(theme, Words()), Banner(Words())
    for widget in (shown, above):
        qtbot.addWidget(widget)
        widget.show()
    shown.show_status(status(**known), TODAY)
    above.show_status(status(**known), TODAY)
    assert corner in words(shown)
    assert above.isVisible() is bool(banner)
    assert banner in words(above)


def test_the_banner_leads_to_what_can_be_done(qtbot: QtBot) -> None:
    banner = Banner(Words())
    qtbot.addWidget(banner)
    for known, action in (({"problem": "sign_in_required"}, "sign_in"), ({"needs_person": 1}, "sync_page")):
        banner.show_status(status(**known), TODAY)
        with qtbot.waitSignal(banner.action_requested) as asked_for:
            banner.findChildren(QPushButton)[0].click()
        assert asked_for.args == [action]


def test_the_corner_follows_the_sync(qtbot: QtBot, tasks: Tasks, frame_for: Open) -> None:
    frame = frame_for(Role.ASSISTANT)
    tasks.sync_state_changed.emit(status(online=False, offline_since=NOW))
    assert "离线中" in words(frame)
    tasks.sync_state_changed.emit(status())
    assert "离线中" not in words(frame)


# ── undo, help, theme ────────────────────────────────────────────────────────────────────────────────────


def test_ctrl_z_takes_the_last_entry_back(qtbot: QtBot, workspace: Workspace, frame_for: Open) -> None:
    add_tasks(workspace, "王小明")
    frame = frame_for(Role.ASSISTANT)
    qtbot.waitUntil(lambda: "王芳，您好！" in words(frame))
    page = frame.current_page()
    assert page is not None
    with qtbot.waitSignal(page.recorded):  # type: ignore[attr-defined] # the page is TodayPage
        qtbot.keyClick(page, Qt.Key.Key_2)
    assert "已记录 王小明：未接" in words(frame)
    qtbot.keyClick(frame, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: "已撤销" in words(frame))
    qtbot.waitUntil(lambda: "王芳，您好！" in words(frame))
    assert workspace.outbox.unsent()[0] == 0


def test_there_may_be_nothing_to_undo(qtbot: QtBot, frame_for: Open) -> None:
    frame = frame_for(Role.ASSISTANT)
    frame.undo()
    qtbot.waitUntil(lambda: "没有可以撤销的录入" in words(frame))


def test_what_was_sent_is_not_undone(qtbot: QtBot, workspace: Workspace, tasks: Tasks, frame_for: Open) -> None:
    (task_id,) = add_tasks(workspace, "王小明")
    frame = frame_for(Role.ASSISTANT)
    with qtbot.waitSignal(tasks.data_changed):
        until = TODAY + timedelta(days=3)
        tasks.command(frame, commands.snooze_task, task_id=task_id, until=until, note="")
    workspace.clock.advance(timedelta(minutes=5))  # type: ignore[attr-defined] # a FakeClock
    workspace.outbox.offer(account_id=workspace.worker().account_id, expected_n=1)
    frame.undo()
    qtbot.waitUntil(lambda: "已上传，不能直接撤销" in words(frame))


def test_f1_shows_all_keys(qtbot: QtBot, frame_for: Open) -> None:
    frame = frame_for(Role.ASSISTANT)
    qtbot.keyClick(frame, Qt.Key.Key_F1)
    qtbot.waitUntil(lambda: bool(frame.findChildren(QDialog)))
    (dialog,) = frame.findChildren(QDialog)
    assert "Ctrl+K" in words(dialog)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not frame.findChildren(QDialog))


def test_the_theme_changes_at_once_and_back(theme: Theme, frame_for: Open) -> None:
    frame = frame_for(Role.ASSISTANT)
    theme.toggle()
    assert theme.tokens == DARK
    assert frame.palette().window().color().name().upper() == DARK.bg
    theme.toggle()
    assert theme.tokens == LIGHT


def test_touch_enlarges_targets_and_text(qapp: QApplication, theme: Theme) -> None:
    fingers = Theme(qapp, "light", touch=True)
    assert fingers.tokens.control == 44
    assert fingers.tokens.bg == LIGHT.bg
    theme.choose("light")  # the application wears the tests' own again
    assert qapp.font().pixelSize() == LIGHT.size_text


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=lambda tokens: tokens.name)
def test_every_text_can_be_read_on_its_ground(tokens: Tokens) -> None:
    """WCAG 2.1 AA: 4.5 to 1 for text."""
    pairs = [(ink, ground) for ink in (tokens.text, tokens.text2) for ground in (tokens.bg, tokens.surface)]
    pairs += [(ink, tokens.surface) for ink in (tokens.primary, tokens.ok, tokens.warn, tokens.danger, tokens.info)]
    pairs += [(tokens.primary_text, tokens.primary), (tokens.primary, tokens.primary_soft)]
    pairs += [(tokens.ok, tokens.ok_soft), (tokens.warn, tokens.warn_soft)]
    pairs += [(tokens.danger, tokens.danger_soft), (tokens.info, tokens.info_soft), (tokens.text, tokens.surface2)]
    assert [(ink, ground) for ink, ground in pairs if contrast(ink, ground) < 4.5] == []


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_type_face_has_the_clinics_characters(qtbot: QtBot, theme: Theme) -> None:
    label = QLabel("眼")
    qtbot.addWidget(label)
    metrics = QFontMetrics(label.font())
    assert QFontInfo(label.font()).family()
    assert [sign for sign in "眼轴视光角塑度喆玥堃" if not metrics.inFontUcs4(ord(sign))] == []


# ── for everybody ────────────────────────────────────────────────────────────────────────────────────────

FOCUSABLE = (QAbstractButton, QLineEdit, QComboBox, QAbstractSpinBox, QAbstractItemView)


@pytest.mark.parametrize("role", [Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER, Role.EXECUTIVE])
def test_a_screen_reader_has_a_name_for_everything_that_takes_the_focus(
    qtbot: QtBot, workspace: Workspace, frame_for: Open, role: Role
) -> None:
    add_tasks(workspace, "王小明")
    frame = frame_for(role)
    for key in list(frame._entries):
        frame.go(key)
    nameless = [
        f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}"
        for widget in frame.findChildren(QWidget)
        if isinstance(widget, FOCUSABLE) and takes_focus(widget) and not named(widget)
    ]
    assert nameless == []


def takes_focus(widget: QWidget) -> bool:
    return widget.focusPolicy() != Qt.FocusPolicy.NoFocus and not widget.isHidden()


def named(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    private = parent is not None and "Private" in parent.metaObject().className()
    inner = private or widget.objectName().startswith("qt_")  # parts of Qt's own widgets
    labels = [label for label in widget.window().findChildren(QLabel) if label.buddy() is widget]
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return bool(inner or widget.accessibleName() or text or labels)
