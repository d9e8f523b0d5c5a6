"""The kept session of this workstation: sign in, sign out, and a fresh token when the old one ended.

Device secret and tokens are kept in the outbox, which the profile's key seals; they leave it only in requests.
"""

import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import TypeVar

from hcrm_core.errors import SignInRequired, Unreachable
from hcrm_core.wire import DeviceClaim, Json, Person, RefusalCode, TokenResponse
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.client import CentreClient, SessionEnded

SESSION = "session"
APP_VERSION = version("hcrm-desktop")
T = TypeVar("T")


class CentreSession:
    """One workspace's conversation with one centre, as the person who is signed in."""

    def __init__(self, workspace: Workspace, client: CentreClient) -> None:
        self._workspace, self._client = workspace, client

    def sign_in(self, username: str, password: str) -> Person:
        """Sign in and let the person work here. A device the centre does not accept is replaced once.

        Raises:
            SignInRequired: wrong name or password, inactive account, blocked device.
            Unreachable: the centre does not answer.
        """
        try:
            answer = self._client.login(username, password, device=self._claim())
        except SessionEnded as error:
            if error.code != RefusalCode.DEVICE_MISMATCH:
                raise
            self._workspace.outbox.become_new_device()
            answer = self._client.login(username, password, device=self._claim())
        with self._workspace.exclusive():
            self._keep(answer)
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
            except (Unreachable, SignInRequired):
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
                self.forget()
                raise
        return request(self._refreshed())

    def _refreshed(self) -> dict[str, str]:
        kept = self._workspace.outbox.kept(SESSION) or {}
        try:
            answer = self._client.refresh(kept.get("refresh_token", ""), device=self._claim())
        except SessionEnded:
            self.forget()
            raise
        self._keep(answer)
        headers = self._headers()
        assert headers is not None
        return headers

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

    def _claim(self) -> DeviceClaim:
        device = self._workspace.outbox.device()
        name = platform.node()[:120] or "workstation"
        return DeviceClaim(id=device.id, secret=device.secret, name=name, app_version=APP_VERSION)
