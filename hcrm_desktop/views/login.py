"""Sign-in: the first thing on the screen, there before anything heavy is loaded."""

from enum import StrEnum

from PySide6.QtCore import Qt, QUrl, Signal, Slot
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


class Asked(StrEnum):
    """What the one button does now."""

    SIGN_IN = "sign_in"
    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a state
    RETRY = "retry"


class LoginView(QWidget):
    """Asks who works here.

    Signals:
        sign_in_requested: user name, password.
        passphrase_given: for a computer without a key store.
        server_changed: another address of the centre.
        open_again_requested: try again to open the files of this computer.
    """

    sign_in_requested = Signal(str, str)
    passphrase_given = Signal(str)
    server_changed = Signal(str)
    open_again_requested = Signal()

    def __init__(self, *, server_url: str, username: str) -> None:
        super().__init__()
        self._asked, self._failures = Asked.SIGN_IN, Failures(self)
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
        self._server.returnPressed.connect(self._on_enter_clicked)
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
        for widget in (self._user, self._password, self._server, self._enter):
            widget.setEnabled(False)
        self._busy.show()

    def set_ready(self) -> None:
        """Ask for user name and password."""
        self._ask(Asked.SIGN_IN)
        (self._password if self._user.text() else self._user).setFocus()

    def show_failure(self, error: Exception) -> None:
        """Say why the sign-in did not work; what was typed stays."""
        self._ask(Asked.SIGN_IN, self._failures.sentence(error), role="danger")
        self._password.setFocus()

    def show_open_failure(self, error: Exception) -> None:
        """The files of this computer do not open: nothing can be done before they do."""
        self._ask(Asked.RETRY, self._failures.sentence(error), role="danger")
        self._enter.setFocus()

    def ask_passphrase(self, *, first: bool) -> None:
        """This computer has no key store: the files are sealed with a passphrase instead."""
        text = self.tr("本机数据用口令加密，请输入口令。")
        if first:
            text = self.tr("本机没有系统密钥库，数据改用口令加密。请设一个口令并记牢：忘记后未上传的录入会丢失。")
        self._ask(Asked.PASSPHRASE, text, role="warn")
        self._password.setFocus()

    def refuse_passphrase(self, error: Exception) -> None:
        """The passphrase given does not open the files, or something else keeps them closed."""
        self._ask(Asked.PASSPHRASE, self._failures.sentence(error), role="danger")
        self._password.setFocus()

    def _ask(self, what: "Asked", text: str = "", *, role: str = "muted") -> None:
        self._asked = what
        signs_in, sealed = what is Asked.SIGN_IN, what is Asked.PASSPHRASE
        self._busy.hide()
        self._user.setEnabled(signs_in)
        self._server.setEnabled(signs_in)
        self._password.setEnabled(what is not Asked.RETRY)
        self._enter.setEnabled(True)
        self._password_label.setText(self.tr("本机口令") if sealed else self.tr("密码"))
        self._password.setPlaceholderText(self._password_label.text())
        self._password.setAccessibleName(self._password_label.text())
        words = {Asked.PASSPHRASE: self.tr("打开"), Asked.RETRY: self.tr("重试")}
        self._enter.setText(words.get(what, self.tr("登录")))
        self._say(text, role=role)

    def _say(self, text: str, *, role: str) -> None:
        self._message.setText(text)
        self._message.setVisible(bool(text))
        set_property(self._message, "role", role)

    # ── what the person does ─────────────────────────────────────────────────────────────────────────────

    @Slot()
    def _on_enter_clicked(self) -> None:
        if self._asked is Asked.RETRY:
            self.set_busy(self.tr("正在打开本机数据…"))
            self.open_again_requested.emit()
        elif self._asked is Asked.PASSPHRASE:
            self._open_with(self._password.text())
        else:
            self._sign_in(self._user.text().strip(), self._password.text())

    def _open_with(self, passphrase: str) -> None:
        if not passphrase:
            self._say(self.tr("请输入本机口令。"), role="warn")
            return
        self._password.clear()
        self.set_busy(self.tr("正在打开本机数据…"))
        self.passphrase_given.emit(passphrase)

    def _sign_in(self, username: str, password: str) -> None:
        if not username or not password:
            self._say(self.tr("请输入用户名和密码。"), role="warn")
            return
        if self._address() is None:
            self._say(self.tr("中心地址不对，应如 http://192.168.1.10:8765。"), role="warn")
            return
        self._on_server_edited()  # Enter in the field comes before its own "finished"
        self._password.clear()
        self.set_busy(self.tr("正在登录…"))
        self.sign_in_requested.emit(username, password)

    @Slot()
    def _on_server_edited(self) -> None:
        address = self._address()
        if address is not None:
            self._server.setText(address)
            self.server_changed.emit(address)

    def _address(self) -> str | None:
        """Where the centre is, as typed or completed; None if it is no address."""
        typed = self._server.text().strip()
        url = QUrl(typed if "://" in typed else f"http://{typed}", QUrl.ParsingMode.StrictMode)
        usable = url.isValid() and url.host() and url.scheme() in ("http", "https")
        return url.toString() if usable else None
