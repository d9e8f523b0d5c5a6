"""Sign-in: the first thing on the screen, there before anything heavy is loaded."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hcrm_desktop.theme import set_property
from hcrm_desktop.views.failures import Failures


class LoginView(QWidget):
    """Asks who works here.

    Signals:
        sign_in_requested: user name, password.
        passphrase_given: for a computer without a key store.
        server_changed: another address of the centre.
    """

    sign_in_requested = Signal(str, str)
    passphrase_given = Signal(str)
    server_changed = Signal(str)

    def __init__(self, *, server_url: str, username: str) -> None:
        super().__init__()
        self._asks_passphrase = False
        self._user = QLineEdit(username, placeholderText=self.tr("工号或用户名"))
        self._password = QLineEdit(echoMode=QLineEdit.EchoMode.Password, placeholderText=self.tr("密码"))
        self._server = QLineEdit(server_url)
        self._message = QLabel(wordWrap=True)
        self._busy = QProgressBar(minimum=0, maximum=0, textVisible=False)
        self._enter = QPushButton(self.tr("登录"))
        self._enter.setProperty("kind", "primary")
        self._build()
        self._enter.clicked.connect(self._on_enter_clicked)
        self._password.returnPressed.connect(self._on_enter_clicked)
        self._user.returnPressed.connect(self._password.setFocus)
        self._server.editingFinished.connect(self._on_server_edited)
        self.set_busy(self.tr("正在打开本机数据…"))

    def _build(self) -> None:
        card = QFrame()
        card.setProperty("role", "card")
        card.setFixedWidth(400)
        column = QVBoxLayout(card)
        column.setContentsMargins(32, 32, 32, 24)
        column.setSpacing(16)
        title = QLabel(self.tr("HCRM 视光工作站"))
        title.setProperty("role", "display")
        motto = QLabel(self.tr("看护每个孩子的眼睛"))
        motto.setProperty("role", "muted")
        column.addWidget(title)
        column.addWidget(motto)
        column.addLayout(self._form())
        column.addWidget(self._message)
        column.addWidget(self._busy)
        column.addWidget(self._enter)
        row = QHBoxLayout(self)
        row.addWidget(card, alignment=Qt.AlignmentFlag.AlignCenter)

    def _form(self) -> QFormLayout:
        form = QFormLayout(labelAlignment=Qt.AlignmentFlag.AlignLeft)
        form.setVerticalSpacing(12)
        self._password_label = QLabel(self.tr("密码"))
        for label, field in (
            (QLabel(self.tr("用户名")), self._user),
            (self._password_label, self._password),
            (QLabel(self.tr("中心地址")), self._server),
        ):
            label.setBuddy(field)
            field.setAccessibleName(label.text())
            form.addRow(label, field)
        return form

    # ── states ───────────────────────────────────────────────────────────────────────────────────────────

    def set_busy(self, text: str) -> None:
        """Nothing can be entered while this lasts."""
        self._say(text, role="muted")
        self._set_enabled(enabled=False)
        self._busy.show()

    def set_ready(self) -> None:
        """Ask for user name and password."""
        self._say("", role="muted")
        self._set_enabled(enabled=True)
        (self._password if self._user.text() else self._user).setFocus()

    def show_failure(self, error: Exception) -> None:
        """Say why it did not work; what was typed stays."""
        self._set_enabled(enabled=True)
        self._say(Failures(self).sentence(error), role="danger")
        self._password.selectAll()
        self._password.setFocus()

    def ask_passphrase(self) -> None:
        """This computer has no key store: the files are sealed with a passphrase instead."""
        self._asks_passphrase = True
        self._set_enabled(enabled=True)
        self._user.setEnabled(False)
        self._password_label.setText(self.tr("本机口令"))
        self._enter.setText(self.tr("打开"))
        self._say(
            self.tr(
                "本机没有系统密钥库，数据改用口令加密。第一次输入的口令就是以后的口令，请记牢：忘记后只能重新下载，未上传的录入会丢失。"
            ),
            role="warn",
        )
        self._password.setFocus()

    def _say(self, text: str, *, role: str) -> None:
        self._message.setText(text)
        self._message.setVisible(bool(text))
        set_property(self._message, "role", role)

    def _set_enabled(self, *, enabled: bool) -> None:
        self._busy.hide()
        for widget in (self._user, self._password, self._server, self._enter):
            widget.setEnabled(enabled)

    # ── what the person does ─────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _on_enter_clicked(self) -> None:
        password = self._password.text()
        if self._asks_passphrase:
            if password:
                self._asks_passphrase = False
                self._password.clear()
                self._password_label.setText(self.tr("密码"))
                self._enter.setText(self.tr("登录"))
                self.passphrase_given.emit(password)
            return
        if not self._user.text().strip() or not password:
            self._say(self.tr("请输入用户名和密码。"), role="warn")
            return
        self.set_busy(self.tr("正在登录…"))
        self.sign_in_requested.emit(self._user.text().strip(), password)
        self._password.clear()

    @Slot()
    def _on_server_edited(self) -> None:
        self.server_changed.emit(self._server.text().strip())
