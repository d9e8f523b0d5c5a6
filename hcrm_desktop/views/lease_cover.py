"""What stands in place of the customers' pages while they may not be shown: what happened, since when, what to do."""

from collections.abc import Callable
from datetime import date

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hcrm_desktop.cache.rows import SyncStatus
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.words import Words

HIDING = frozenset({"revoked", "wiped"})
WIDTH = 560


def hides_customers(status: SyncStatus) -> bool:
    """Whether this computer may not show its customers now."""
    return status.lease_over or status.problem in HIDING


def is_wiped(status: SyncStatus) -> bool:
    """Whether everything was handed over and deleted: there is nothing left to ask."""
    return status.problem == "wiped" and status.state == "stopped"


class LeaseCover(QWidget):
    """A calm page. Work that was entered stays and is sent; only looking at customers waits.

    Signals:
        sync_requested: try to reach the centre now.
        sync_page_requested: show what waits to be sent.
        sign_in_requested: sign in again.
    """

    sync_requested = Signal()
    sync_page_requested = Signal()
    sign_in_requested = Signal()

    def __init__(self, theme: Theme, words: Words) -> None:
        super().__init__()
        self._theme, self._words = theme, words
        self._icon, self._title, self._unsent = QLabel(), QLabel(wordWrap=True), QLabel(wordWrap=True)
        self._happened, self._to_do = QLabel(wordWrap=True), QLabel(wordWrap=True)
        self._build()
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def _build(self) -> None:
        self._title.setProperty("role", "display")
        self._unsent.setProperty("role", "title")
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addStretch(2)
        for label in (self._icon, self._title, self._happened, self._to_do, self._unsent):
            label.setMaximumWidth(WIDTH)
            label.setMinimumWidth(WIDTH)
            column.addWidget(label)
        column.addLayout(self._build_buttons())
        column.addStretch(3)
        row = QHBoxLayout(self)
        row.addStretch(1)
        row.addLayout(column)
        row.addStretch(1)

    def _build_buttons(self) -> QHBoxLayout:
        self._sync = self._button(self.tr("立即同步 F5"), self.sync_requested.emit, kind="primary")
        self._sign_in = self._button(self.tr("重新登录 (&L)"), self.sign_in_requested.emit, kind="primary")
        self._look = self._button(self.tr("查看未上传的录入 (&U)"), self.sync_page_requested.emit, kind="")
        row = QHBoxLayout()
        for button in (self._sync, self._sign_in, self._look):
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _button(self, text: str, slot: Callable[[], object], *, kind: str) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("kind", kind)
        button.clicked.connect(slot)
        return button

    def show_status(self, status: SyncStatus, today: date) -> None:
        """Say why customers are hidden."""
        title, happened, to_do = self._say(status)
        self._title.setText(title)
        self._happened.setText(happened)
        self._to_do.setText(to_do)
        self._unsent.setText(self._waiting(status, today))
        wiped = is_wiped(status)
        sign_in = status.problem == "sign_in_required"
        self._sync.setVisible(not sign_in and not wiped)
        self._sign_in.setVisible(sign_in)
        self._look.setVisible(not wiped)

    def _say(self, status: SyncStatus) -> tuple[str, str, str]:
        if is_wiped(status):
            return (
                self.tr("本机数据已按要求清除"),
                self.tr("管理员命令清除这台工作站：先把未上传的录入交回中心，再删除客户资料、录入文件和密钥。"),
                self.tr("没有需要您做的事，关闭程序即可。仍要使用这台电脑，请联系管理员。"),
            )
        if status.problem == "wiped":
            return (
                self.tr("正在清除本机数据"),
                self.tr("管理员命令清除这台工作站：先把未上传的录入交回中心，一条不少，再删除客户资料和密钥。"),
                self.tr("请保持联网，不用做别的。"),
            )
        if status.problem == "revoked":
            return (
                self.tr("这台工作站已被停用"),
                self.tr("客户资料已隐藏；未上传的录入仍保存在本机，没有丢失。"),
                self.tr("请联系管理员。恢复后客户资料会自动回来，录入会自动上传。"),
            )
        since = self._words.moment(status.lease_until) if status.lease_until else self.tr("之前")
        return (
            self.tr("客户资料已隐藏"),
            self.tr(
                "这台工作站太久没有连上中心（授权到 {since} 为止）。为保护客户，资料先隐藏；数据仍在本机，没有丢失。"
            ).format(since=since),
            self.tr("请接上网络，连上中心后会自动恢复，不用重启。登录已过期时先重新登录。"),
        )

    def _waiting(self, status: SyncStatus, today: date) -> str:
        if is_wiped(status):
            return ""
        if not status.unsent:
            return self.tr("没有未上传的录入。")
        if status.oldest_unsent_at is None:
            return self.tr("{n} 条录入在本机等待上传。").format(n=status.unsent)
        at = self._words.clock_time(status.oldest_unsent_at, today)
        return self.tr("{n} 条录入在本机等待上传，最早 {at}。").format(n=status.unsent, at=at)

    @Slot()
    def _on_theme_changed(self) -> None:
        self._icon.setPixmap(self._theme.pixmap("shield", size=44))
        self._icon.setAlignment(Qt.AlignmentFlag.AlignLeft)
