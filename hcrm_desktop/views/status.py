"""The truth about the connection, always on screen: one line in the corner, and a banner when it matters."""

from datetime import date

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hcrm_desktop.cache.rows import SyncStatus
from hcrm_desktop.theme import Theme, set_property
from hcrm_desktop.views.words import Words


class SyncCorner(QWidget):
    """Bottom of the rail: the state of sync, and how fresh the data is."""

    def __init__(self, theme: Theme, words: Words) -> None:
        super().__init__()
        self._theme, self._words = theme, words
        self._state, self._unsent, self._as_of = QLabel(), QLabel(), QLabel()
        self._unsent.setProperty("role", "small")
        self._as_of.setProperty("role", "small")
        self._as_of.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 12, 12)
        column.setSpacing(2)
        for label in (self._state, self._unsent, self._as_of):
            column.addWidget(label)

    def show_status(self, status: SyncStatus, today: date) -> None:
        """Say it in words and colour."""
        text, role = self._sentence(status, today)
        self._state.setText(self.tr("● {state}").format(state=text))
        set_property(self._state, "role", role)
        self._unsent.setText(self.tr("{n} 条录入未上传").format(n=status.unsent))
        self._unsent.setVisible(status.unsent > 0)
        self._as_of.setText(self._freshness(status, today))
        self.setAccessibleName(f"{self._state.text()} {self._as_of.text()}")

    def _sentence(self, status: SyncStatus, today: date) -> tuple[str, str]:
        blocked = {
            "revoked": self.tr("工作站已停用"),
            "wiped": self.tr("按命令清除数据"),
            "sign_in_required": self.tr("需要重新登录"),
            "upgrade_required": self.tr("需要升级"),
        }
        if status.problem in blocked:
            return blocked[status.problem], "danger"
        if status.lease_over and not status.online:
            return self.tr("客户资料已隐藏"), "danger"
        if status.catching_up:
            return self._downloading(status.progress), "muted"
        if status.online and status.last_success_at:
            at = self._words.clock_time(status.last_success_at, today)
            return self.tr("已同步 {at}").format(at=at), "ok"
        if status.offline_since:
            at = self._words.clock_time(status.offline_since, today)
            return self.tr("离线，{at} 起").format(at=at), "warn"
        return self.tr("正在连接…"), "muted"

    def _downloading(self, progress: float | None) -> str:
        if progress is None:
            return self.tr("正在下载…")
        return self.tr("正在下载 {share:.0%}").format(share=progress)

    def _freshness(self, status: SyncStatus, today: date) -> str:
        if status.scanned_at is None:
            return self.tr("任务尚未扫描")
        return self.tr("数据截至 {at} 扫描").format(at=self._words.clock_time(status.scanned_at, today))


class Banner(QFrame):
    """One line across the top: off line, sign in again, something waits for a person.

    Signals:
        action_requested: a code, "sign_in" or "sync_page".
    """

    action_requested = Signal(str)

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words
        self._action = ""
        self.setProperty("role", "banner")
        self._text = QLabel(wordWrap=True)
        self._button = QPushButton()
        self._button.setProperty("kind", "quiet")
        self._button.setAccessibleName(self.tr("处理"))  # until there is something to do
        self._button.clicked.connect(self._on_button_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 8, 4)
        row.addWidget(self._text, 1)
        row.addWidget(self._button)
        self.hide()

    def show_status(self, status: SyncStatus, today: date) -> None:
        """Appear only when there is something to say."""
        text, tone, action, label = self._message(status, today)
        self._action = action
        self._text.setText(text)
        self._button.setText(label)
        self._button.setAccessibleName(label or self.tr("处理"))
        self._button.setVisible(bool(label))
        set_property(self, "tone", tone)
        self.setVisible(bool(text))

    def _message(self, status: SyncStatus, today: date) -> tuple[str, str, str, str]:
        if status.problem == "revoked":
            text = self.tr("这台工作站已被停用，录入会先保存在本机，请联系管理员。")
            return text, "danger", "", ""
        if status.problem == "sign_in_required":
            return self.tr("登录已过期，录入会先保存在本机。"), "danger", "sign_in", self.tr("重新登录")
        if status.problem == "upgrade_required":
            text = self.tr("这个版本太旧，中心不再支持；录入会先保存在本机，请联系管理员升级。")
            return text, "danger", "", ""
        if status.needs_person:
            text = self.tr("{n} 条录入需要您处理。").format(n=status.needs_person)
            return text, "warn", "sync_page", self.tr("查看")
        if not status.online and status.offline_since:
            at = self._words.clock_time(status.offline_since, today)
            text = self.tr("离线中（{at} 起）：可以照常工作，录入保存在本机，恢复后自动上传。未上传 {n} 条。")
            return text.format(at=at, n=status.unsent), "warn", "sync_page", self.tr("查看")
        return "", "warn", "", ""

    @Slot()
    def _on_button_clicked(self) -> None:
        self.action_requested.emit(self._action)
