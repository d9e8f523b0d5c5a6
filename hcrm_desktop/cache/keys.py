"""Where the 32-byte key of a profile comes from: the system's key store, a passphrase, or a key file.

A key store is believed only after it gave back what was written, and only if it is one of those that encrypt:
some back ends swallow what they are given or keep it in clear text.
"""

import base64
import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import Protocol

from hcrm_core.errors import StoreUnusable
from hcrm_desktop.cache.files import KEY_BYTES, KEY_CHECK

SERVICE = "hcrm-desktop"
SALT_FILE, NAME_FILE = "key.salt", "profile.id"
_TRUSTED = (
    "keyring.backends.SecretService",
    "keyring.backends.kwallet",
    "keyring.backends.libsecret",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
)
# RFC 7914 gives N, r, p; 128 MiB and about half a second, once at each start.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**17, 8, 1
_SCRYPT_MEMORY = 256 * 1024 * 1024


class NoKeyStore(StoreUnusable):
    """This system has no key store that can be trusted: ask for a passphrase, or use a key file."""


class KeyStore(Protocol):
    """What a `keyring` back end offers."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


def key_from_keyring(folder: Path, *, store: KeyStore | None = None) -> bytes:
    """The profile's key in a key store; made at first use.

    Args:
        store: instead of the system's.

    Raises:
        NoKeyStore: no trusted key store, or it does not keep what it is given.
        StoreUnusable: the profile has files, and the key store does not have their key any more.
    """
    import keyring
    from keyring.errors import KeyringError

    store = store or keyring.get_keyring()
    _require_trusted(type(store).__module__)
    name = _profile_name(folder)
    try:
        kept = store.get_password(SERVICE, name)
        if kept is None:
            _require_new(folder, "the key store")
            store.set_password(SERVICE, name, base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())
            kept = store.get_password(SERVICE, name)
    except KeyringError as error:
        raise NoKeyStore(
            f"the key store refused: {type(error).__name__}", remedy="unlock it, or use a passphrase"
        ) from None
    if kept is None:
        raise NoKeyStore("the key store does not keep what it is given", remedy="use a passphrase")
    return _thirty_two(base64.b64decode(kept), origin="the key store")


def key_from_passphrase(folder: Path, *, passphrase: str) -> bytes:
    """A key derived from a passphrase and the profile's own salt. Nothing of it is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SALT_FILE
    if not path.exists():
        _require_new(folder, f"the folder ({SALT_FILE})")
        _write_private(path, secrets.token_bytes(KEY_BYTES))
    return hashlib.scrypt(
        passphrase.encode(),
        salt=path.read_bytes(),
        n=_SCRYPT_N,
        r=_SCRYPT_R,
        p=_SCRYPT_P,
        maxmem=_SCRYPT_MEMORY,
        dklen=KEY_BYTES,
    )


def key_from_file(folder: Path, *, key_file: Path) -> bytes:
    """The key in a file that only its owner can read, made at first use: for kiosks, demos and tests.

    Raises:
        StoreUnusable: others may read the file, it holds no key, or it is gone and the profile has files.
    """
    if not key_file.exists():
        _require_new(folder, str(key_file))
        key_file.parent.mkdir(parents=True, exist_ok=True)
        _write_private(key_file, secrets.token_hex(KEY_BYTES).encode())
    if os.name != "nt" and stat.S_IMODE(key_file.stat().st_mode) & 0o077:
        raise StoreUnusable(f"others may read {key_file}", remedy=f"chmod 600 {key_file}")
    try:
        key = bytes.fromhex(key_file.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    return _thirty_two(key, origin=str(key_file))


def forget_key(folder: Path, *, key_file: Path | None = None, store: KeyStore | None = None) -> None:
    """Destroy the profile's key, wherever it comes from: what it sealed can never be read again.

    Args:
        key_file: of `key_from_file`.
        store: instead of the system's.

    Raises:
        NoKeyStore: the key store does not let it go.
    """
    for path in (key_file, folder / SALT_FILE):
        if path is not None:
            path.unlink(missing_ok=True)
    if (folder / NAME_FILE).exists():
        _forget_in_store(_profile_name(folder), store=store)
        (folder / NAME_FILE).unlink()


def _forget_in_store(name: str, *, store: KeyStore | None) -> None:
    import keyring
    from keyring.errors import KeyringError

    store = store or keyring.get_keyring()
    try:
        if store.get_password(SERVICE, name) is not None:
            store.delete_password(SERVICE, name)
    except KeyringError as error:
        raise NoKeyStore(f"the key store refused: {type(error).__name__}", remedy="unlock it") from None


def _profile_name(folder: Path) -> str:
    """The profile's own name in the key store: a folder may be moved."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME_FILE
    if not path.exists():
        _write_private(path, secrets.token_hex(8).encode())
    return path.read_text(encoding="ascii")


def _require_trusted(backend: str) -> None:
    if not backend.startswith(_TRUSTED):
        raise NoKeyStore(
            f"this system offers no key store that encrypts ({backend})",
            remedy="choose a passphrase for this profile, or give a key file",
        )


def _require_new(folder: Path, where: str) -> None:
    """A new key for existing files would only lock them for ever."""
    if (folder / KEY_CHECK).exists():
        raise StoreUnusable(
            f"the key of this profile is missing in {where}",
            remedy="bring the key back, or set the profile folder aside and sign in anew",
        )


def _thirty_two(key: bytes, *, origin: str) -> bytes:
    if len(key) != KEY_BYTES:
        raise StoreUnusable(f"{origin} does not hold a key of {KEY_BYTES} bytes", remedy="bring the right key back")
    return key


def _write_private(path: Path, content: bytes) -> None:
    """Only the owner may ever read it, so the mode is set before the content is there."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
