"""Sign-in: by keyboard, and with a sentence for everything that can go wrong."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from hcrm_core.errors import NotPermitted, Rejected, StoreUnusable, Unreachable
from hcrm_desktop.sync.client import Busy, ServerFailed, SessionEnded, UpgradeRequired
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.login import LoginView

Open = Callable[[], LoginView]
CENTRE = "http://127.0.0.1:8765"


@pytest.fixture
def login(qtbot: QtBot, theme: Theme) -> LoginView:
    view = LoginView(server_url=CENTRE, username="")
    qtbot.addWidget(view)
    view.show()
    view.set_ready()
    return view


def field(view: LoginView, name: str) -> QLineEdit:
    return next(one for one in view.findChildren(QLineEdit) if one.accessibleName() == name)


def button(view: LoginView) -> QPushButton:
    return view.findChildren(QPushButton)[0]


def said(view: LoginView) -> str:
    return "\n".join(label.text() for label in view.findChildren(QLabel) if label.isVisible())


def test_name_enter_password_enter_signs_in(qtbot: QtBot, login: LoginView) -> None:
    qtbot.keyClicks(field(login, "用户名"), " li ")
    qtbot.keyClick(field(login, "用户名"), Qt.Key.Key_Return)
    assert field(login, "密码").hasFocus()
    qtbot.keyClicks(field(login, "密码"), "secret")
    with qtbot.waitSignal(login.sign_in_requested) as asked:
        qtbot.keyClick(field(login, "密码"), Qt.Key.Key_Return)
    assert asked.args == ["li", "secret"]
    assert field(login, "密码").text() == ""
    assert not button(login).isEnabled()
    assert "正在登录" in said(login)


def test_nothing_is_asked_of_the_centre_before_both_fields_are_filled(qtbot: QtBot, login: LoginView) -> None:
    with qtbot.assertNotEmitted(login.sign_in_requested):
        button(login).click()
    assert "请输入用户名和密码" in said(login)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("192.168.1.10:8765", "http://192.168.1.10:8765"), (" https://centre.example ", "https://centre.example")],
)
def test_an_address_is_completed(qtbot: QtBot, login: LoginView, typed: str, kept: str) -> None:
    fill(login, server=typed)
    heard: list[str] = []
    login.server_changed.connect(heard.append)
    with qtbot.waitSignal(login.sign_in_requested):
        qtbot.keyClick(field(login, "中心地址"), Qt.Key.Key_Return)
    assert set(heard) == {kept}


@pytest.mark.parametrize("typed", ["", "http://", "ftp://centre", "http://[::", "two words"])
def test_what_is_no_address_is_told_before_anything_is_sent(qtbot: QtBot, login: LoginView, typed: str) -> None:
    fill(login, server=typed)
    with qtbot.assertNotEmitted(login.sign_in_requested), qtbot.assertNotEmitted(login.server_changed):
        button(login).click()
    assert "中心地址不对" in said(login)


def fill(login: LoginView, *, server: str) -> None:
    field(login, "用户名").setText("li")
    field(login, "密码").setText("secret")
    field(login, "中心地址").setText(server)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (SessionEnded("no", remedy="", code="wrong_credentials"), "用户名或密码不对"),
        (SessionEnded("no", remedy="", code="account_inactive"), "账号已停用"),
        (SessionEnded("no", remedy="", code="device_revoked"), "工作站已被停用"),
        (Busy("later", remedy="", retry_after=60.0), "尝试次数过多"),
        (ServerFailed("what", remedy=""), "中心的回答不对"),
        (UpgradeRequired("old", remedy=""), "版本太旧"),
        (Unreachable("gone", remedy=""), "连不上中心"),
        (NotPermitted("no", remedy=""), "没有这项权限"),
        (Rejected("task_already_closed", "closed"), "已经结束"),
        (Rejected("something_new", "?"), "中心没有接受"),
        (OSError("disk"), "程序出错"),
    ],
)
def test_a_failure_is_a_sentence_and_the_person_may_try_again(
    login: LoginView, error: Exception, sentence: str
) -> None:
    login.set_busy("…")
    login.show_failure(error)
    assert sentence in said(login)
    assert field(login, "密码").hasFocus()
    assert button(login).isEnabled()


def test_files_that_do_not_open_can_be_tried_again_and_nothing_else(qtbot: QtBot, login: LoginView) -> None:
    login.show_open_failure(StoreUnusable("locked", remedy=""))
    assert "另一个窗口" in said(login)
    assert not field(login, "用户名").isEnabled()
    with qtbot.waitSignal(login.open_again_requested):
        button(login).click()


def test_a_computer_without_key_store_asks_for_a_passphrase(qtbot: QtBot, login: LoginView) -> None:
    login.ask_passphrase(first=True)
    assert "请设一个口令" in said(login)
    with qtbot.assertNotEmitted(login.passphrase_given):
        button(login).click()
    qtbot.keyClicks(field(login, "本机口令"), "long words")
    with qtbot.waitSignal(login.passphrase_given) as given:
        qtbot.keyClick(field(login, "本机口令"), Qt.Key.Key_Return)
    assert given.args == ["long words"]


def test_a_wrong_passphrase_is_asked_for_again(login: LoginView) -> None:
    login.ask_passphrase(first=False)
    login.refuse_passphrase(StoreUnusable("wrong key", remedy=""))
    assert "密钥不对" in said(login)
    assert button(login).text() == "打开"
