"""From the click on the icon to the first task: the window first, then the files, then the centre."""

import dataclasses
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from hcrm_central.app import create_app
from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_desktop.app import Options, Workstation, install_crash_handler
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.paths import settings_file
from hcrm_desktop.settings import load_settings, save_settings
from hcrm_store.clock import SystemClock
from hcrm_store.journeys import Task
from tests.factories import PASSWORD, make_clinic, serving
from tests.gui.filling import open_clinic
from tests.sync.desk import central_count

NOWHERE = "http://127.0.0.1:9"
Start = Callable[..., Workstation]


@pytest.fixture
def start(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> Iterator[Start]:
    """Starts the program as `app` wires it, with its key in a file."""
    started: list[Workstation] = []

    def make(**options: object) -> Workstation:
        known = {"profile": tmp_path / "profile", "key_file": tmp_path / "key", "server_url": NOWHERE}
        station = Workstation(qapp, Options(**(known | options)))  # type: ignore[arg-type] # a test's own options
        started.append(station)
        station.start()
        return station

    yield make
    for station in started:
        station.tasks.stop()
        station.window.close()
        station.deleteLater()


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def button(station: Workstation, text: str) -> QPushButton:
    return next(one for one in station.window.findChildren(QPushButton) if one.text() == text)


def test_the_window_is_there_before_the_files_are_open_and_then_asks_who_works(qtbot: QtBot, start: Start) -> None:
    station = start()
    assert station.window.isVisible()
    assert "正在打开本机数据" in words(station.window)
    qtbot.waitUntil(button(station, "登录").isEnabled)


def test_a_person_signs_in_and_works_and_the_centre_knows(qtbot: QtBot, store: Store, start: Start) -> None:
    clinic = make_clinic(store, SystemClock())
    with serving(create_app(store, Settings(), clock=SystemClock())) as url:
        station = start(server_url=url)
        qtbot.waitUntil(button(station, "登录").isEnabled)
        name, password, _ = station.window.findChildren(QLineEdit)
        name.setText("assistant")
        password.setText("wrong")
        button(station, "登录").click()
        qtbot.waitUntil(lambda: "用户名或密码不对" in words(station.window))
        password.setText(PASSWORD)
        button(station, "登录").click()
        qtbot.waitUntil(lambda: station.frame is not None, timeout=20_000)
        qtbot.waitUntil(lambda: "城北院区" in words(station.window), timeout=20_000)
        qtbot.waitUntil(lambda: "今日任务 1" in words(station.window), timeout=20_000)
        assert central_count(store, Task, id=clinic.mine.task_id, attempts=0) == 1
        station.frame.sign_out_requested.emit()  # type: ignore[union-attr] # waited for above
        qtbot.waitUntil(lambda: "用户名" in words(station.window) and button(station, "登录").isEnabled())
    assert json.loads(settings_file(station.options.profile).read_text())["last_username"] == "assistant"


def test_who_was_signed_in_goes_on_without_the_centre(qtbot: QtBot, start: Start, tmp_path: Path) -> None:
    first = start()
    qtbot.waitUntil(button(first, "登录").isEnabled)
    workspace = first.tasks._workspace
    assert isinstance(workspace, Workspace)
    open_clinic(workspace)
    first.tasks.stop()
    second = start()
    qtbot.waitUntil(lambda: second.frame is not None)
    qtbot.waitUntil(lambda: "没有待办" in words(second.window))


def test_a_damaged_file_of_entries_is_mended_and_told(qtbot: QtBot, start: Start) -> None:
    first = start()
    qtbot.waitUntil(button(first, "登录").isEnabled)
    first.tasks.stop()
    outbox = first.options.profile / "outbox.db"
    outbox.write_bytes(b"damage" * (outbox.stat().st_size // 6))
    second = start()
    qtbot.waitUntil(lambda: bool(second.window.findChildren(QMessageBox)), timeout=20_000)
    (notice,) = second.window.findChildren(QMessageBox)
    assert "已经修复" in notice.text()
    assert "损坏的文件保留为" in notice.informativeText()
    notice.close()
    qtbot.waitUntil(button(second, "登录").isEnabled)


def test_a_second_window_on_the_same_files_is_refused_and_may_try_again(qtbot: QtBot, start: Start) -> None:
    first = start()
    qtbot.waitUntil(button(first, "登录").isEnabled)
    second = start()
    qtbot.waitUntil(lambda: "另一个窗口" in words(second.window))
    first.tasks.stop()
    button(second, "重试").click()
    qtbot.waitUntil(lambda: second.window.findChildren(QPushButton)[0].text() == "登录")
    qtbot.waitUntil(button(second, "登录").isEnabled)


def test_the_chosen_theme_is_there_at_the_next_start(qtbot: QtBot, start: Start) -> None:
    first = start(theme="light")
    qtbot.waitUntil(button(first, "登录").isEnabled)
    first.theme.toggle()
    first.tasks.stop()
    assert start().theme.tokens.name == "dark"


def test_another_wish_does_not_undo_a_reference_chosen_meanwhile(qtbot: QtBot, start: Start) -> None:
    station = start(theme="light")
    qtbot.waitUntil(button(station, "登录").isEnabled)
    kept = settings_file(station.options.profile)
    save_settings(kept, dataclasses.replace(station.settings, reference="Ours v1"))
    station.theme.toggle()
    assert (load_settings(kept).reference, load_settings(kept).theme) == ("Ours v1", "dark")


# ── what must not happen ─────────────────────────────────────────────────────────────────────────────────


def test_the_first_window_waits_for_nothing_heavy() -> None:
    code = "import hcrm_desktop.__main__, hcrm_desktop.app"
    asked = [sys.executable, "-X", "importtime", "-c", code]
    taken = subprocess.run(asked, capture_output=True, text=True, check=True).stderr
    modules = {line.rpartition("|")[2].strip() for line in taken.splitlines()}
    assert "PySide6.QtWidgets" in modules
    heavy = {"pyqtgraph", "numpy", "polars", "sqlalchemy", "sqlalchemy.orm", "httpx", "keyring", "openpyxl"}
    assert modules & heavy == set()


def test_an_unexpected_error_is_logged_without_values_and_told(
    qtbot: QtBot, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    install_crash_handler()
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    child = "王小明"
    with pytest.raises(ValueError, match=child) as raised:
        raise ValueError(child)
    with caplog.at_level(logging.CRITICAL):
        sys.excepthook(ValueError, raised.value, raised.tb)
    assert "unexpected ValueError at test_start.py" in caplog.text
    assert child not in caplog.text + capsys.readouterr().err
    notice = window.findChild(QMessageBox)
    assert notice is not None
    assert "已保存的录入没有丢失" in notice.text()
