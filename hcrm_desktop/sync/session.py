"""The kept session of this workstation: sign in, sign out, and a fresh token when the old one ended.

Device secret and tokens are kept in the outbox, which the profile's key seals; they leave it only in requests.
"""

import platform
import threading
from collections.abc import Callable
from importlib.metadata import version
from typing import TypeVar

from hcrm_core.errors import HcrmError, SignInRequired, Unreachable
from hcrm_core.wire import DeviceClaim, Json, Person, RefusalCode, TokenResponse
from hcrm_desktop.cache import orders
from hcrm_desktop.cache.orders import Order
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.client import CentreClient, DeviceWiped, SessionEnded

SESSION = "session"
APP_VERSION = version("hcrm-desktop")
REFRESH_SECONDS = 65.0  # a refresh in another thread ends within this time
T = TypeVar("T")


class Superseded(HcrmError):
    """Somebody else signed in, or the conversation was ended, while a request ran: its answer is for nobody here."""


class CentreSession:
    """One workspace's conversation with one centre, as the person who is signed in. Safe to share between threads."""

    def __init__(
        self, workspace: Workspace, client: CentreClient, *, stopped: Callable[[], bool] = lambda: False
    ) -> None:
        """Make a session.

        Args:
            stopped: whether tokens that come now are for nobody any more.
        """
        self._workspace, self._client, self._stopped = workspace, client, stopped
        self._refreshing = threading.Lock()

    def sign_in(self, username: str, password: str) -> Person:
        """Sign in and let the person work here. A device the centre does not accept is replaced once.

        Raises:
            SignInRequired: wrong name or password, inactive account, blocked device.
            Unreachable: the centre does not answer.
            DeviceWiped: noted here; the loop obeys.
        """
        try:
            answer = self._client.login(username, password, device=self.claim())
        except DeviceWiped:
            orders.obey(self._workspace.outbox, Order.WIPED)
            raise
        except SessionEnded as error:
            if error.code != RefusalCode.DEVICE_MISMATCH:
                raise
            self._workspace.outbox.become_new_device()
            answer = self._client.login(username, password, device=self.claim())
        with self._workspace.exclusive():
            self._keep(answer)
            orders.lift(self._workspace.outbox)
            self._workspace.admit(answer.person)
        return answer.person

    def sign_out(self) -> None:
        """Forget the session here, and tell the centre if it can be reached."""
        headers = self._headers()
        self.forget()
        self._workspace.dismiss_person()
        if headers is not None:
            try:
                self._client.logout(headers=headers)
            except (Unreachable, SignInRequired, DeviceWiped):
                return  # the token ends by itself

    def forget(self) -> None:
        """The session is over. Who works here stays known, so that the screens can go on showing the cache."""
        self._workspace.outbox.keep(SESSION, None)

    def ask(self, request: Callable[[dict[str, str]], T]) -> T:
        """Make a request with the session's headers; a token that ended is refreshed once.

        Raises:
            SignInRequired: there is no session any more.
        """
        headers = self._headers()
        if headers is None:
            raise SignInRequired("there is no session", remedy="sign in")
        try:
            return request(headers)
        except SessionEnded as error:
            if error.code not in (RefusalCode.SESSION_ENDED, ""):
                self._end(refused=headers)
                raise
        return request(self._refreshed(headers))

    def require(self) -> None:
        """Make sure that there is a session. Without one, ask whether this workstation may stay as it is.

        Raises:
            SignInRequired: there is none; as SessionEnded, with what the centre says of the workstation.
            DeviceWiped: it is to be emptied, whoever was signed in.
        """
        if self._headers() is not None:
            return
        try:
            self._client.refresh("", device=self.claim())
        except Unreachable:
            raise SignInRequired("there is no session", remedy="sign in") from None

    def claim(self) -> DeviceClaim:
        """This workstation, presenting itself."""
        device = self._workspace.outbox.device()
        name = platform.node()[:120] or "workstation"
        return DeviceClaim(id=device.id, secret=device.secret, name=name, app_version=APP_VERSION)

    def _refreshed(self, refused: dict[str, str]) -> dict[str, str]:
        """Other headers than those that were refused. One thread at a time asks for them: a token buys one pair."""
        if not self._refreshing.acquire(timeout=REFRESH_SECONDS):
            raise Unreachable("a token is being fetched elsewhere", remedy="work goes on; it is tried again")
        try:
            headers = self._headers()
            if headers == refused:
                self._refresh(refused)
                headers = self._headers()
        finally:
            self._refreshing.release()
        if headers is None:
            raise SignInRequired("the session ended meanwhile", remedy="sign in")
        return headers

    def _end(self, *, refused: dict[str, str]) -> None:
        """Forget the session that was refused; another one, begun meanwhile, stays."""
        with self._workspace.exclusive():
            if self._headers() == refused:
                self.forget()

    def _refresh(self, refused: dict[str, str]) -> None:
        kept = self._workspace.outbox.kept(SESSION)
        try:
            answer = self._client.refresh((kept or {}).get("refresh_token", ""), device=self.claim())
        except SessionEnded:
            self._end(refused=refused)
            raise
        with self._workspace.exclusive():
            if self._stopped() or self._workspace.outbox.kept(SESSION) != kept:
                raise Superseded("the session ended while a fresh token was fetched")
            self._keep(answer)

    def _keep(self, answer: TokenResponse) -> None:
        self._workspace.outbox.keep(SESSION, answer.model_dump(mode="json", exclude={"person"}))

    def _headers(self) -> dict[str, str] | None:
        kept: Json | None = self._workspace.outbox.kept(SESSION)
        if kept is None:
            return None
        device = self._workspace.outbox.device()
        return {
            "Authorization": f"Bearer {kept['access_token']}",
            "X-HCRM-Device": str(device.id),
            "X-HCRM-Device-Secret": device.secret,
        }
