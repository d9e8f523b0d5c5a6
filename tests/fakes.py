"""Fakes for our own seams, by name. Everything else in the tests is the real part."""

from datetime import UTC, datetime, timedelta

import httpx
from keyring.errors import KeyringLocked


class FakeClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, at: datetime = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


class LosingTransport(httpx.BaseTransport):
    """Real HTTP whose answers get lost: the centre has worked, the workstation does not hear of it."""

    def __init__(self, *paths: str) -> None:
        self._http, self.losing = httpx.HTTPTransport(), set(paths)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._http.handle_request(request)
        if request.url.path not in self.losing:
            return response
        response.read()
        response.close()
        raise httpx.ReadError("the connection broke")

    def close(self) -> None:
        self._http.close()


class ListeningTransport(httpx.BaseTransport):
    """Real HTTP that keeps every byte that came in."""

    def __init__(self) -> None:
        self._http, self.received = httpx.HTTPTransport(), bytearray()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._http.handle_request(request)
        body = response.read()
        response.close()
        self.received += body
        headers = [(name, value) for name, value in response.headers.items() if name != "content-encoding"]
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)

    def close(self) -> None:
        self._http.close()


class MemoryKeyring:
    """A key store that keeps what it is given."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], str] = {}

    @classmethod
    def named(cls, backend: str = "keyring.backends.SecretService") -> "MemoryKeyring":
        """One that comes from the module of a back end."""
        return type(cls.__name__, (cls,), {"__module__": backend})()

    def get_password(self, service: str, username: str) -> str | None:
        return self._kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._kept[service, username] = password


class ForgetfulKeyring(MemoryKeyring):
    """Swallows what it is given."""

    def set_password(self, service: str, username: str, password: str) -> None:
        return


class LockedKeyring(MemoryKeyring):
    """Refuses."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("locked")
