"""Where a profile's key may come from, and where it may not."""

import stat
from pathlib import Path

import keyring
import keyring.backends.fail
import pytest

from hcrm_core.errors import StoreUnusable
from hcrm_desktop.cache import keys
from hcrm_desktop.cache.files import remember_key
from tests.fakes import ForgetfulKeyring, LockedKeyring, MemoryKeyring


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "profile"


def test_a_key_from_the_key_store_is_the_same_next_time_and_another_for_another_profile(
    folder: Path, tmp_path: Path
) -> None:
    store = MemoryKeyring.named()
    key = keys.key_from_keyring(folder, store=store)
    assert len(key) == 32
    assert keys.key_from_keyring(folder, store=store) == key
    assert keys.key_from_keyring(tmp_path / "other", store=store) != key


def test_a_moved_profile_finds_its_key(folder: Path, tmp_path: Path) -> None:
    store = MemoryKeyring.named()
    key = keys.key_from_keyring(folder, store=store)
    folder.rename(tmp_path / "moved")
    assert keys.key_from_keyring(tmp_path / "moved", store=store) == key


@pytest.mark.parametrize("backend", ["keyring.backends.null", "keyring.backends.fail", "keyrings.alt.file", "chainer"])
def test_a_key_store_that_does_not_encrypt_is_refused(folder: Path, backend: str) -> None:
    with pytest.raises(keys.NoKeyStore, match=backend):
        keys.key_from_keyring(folder, store=MemoryKeyring.named(backend))


@pytest.mark.parametrize("kind", [ForgetfulKeyring, LockedKeyring])
def test_a_key_store_that_keeps_nothing_is_refused(folder: Path, kind: type[MemoryKeyring]) -> None:
    with pytest.raises(keys.NoKeyStore):
        keys.key_from_keyring(folder, store=kind.named())


def test_a_lost_key_is_told_and_no_new_one_locks_the_files_for_ever(folder: Path) -> None:
    remember_key(folder, keys.key_from_keyring(folder, store=MemoryKeyring.named()))
    with pytest.raises(StoreUnusable, match="missing in the key store"):
        keys.key_from_keyring(folder, store=MemoryKeyring.named())


def test_without_a_key_store_the_system_is_asked_and_the_answer_is_clear(folder: Path) -> None:
    """On a machine without a desktop session there is none."""
    former = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    with pytest.raises(keys.NoKeyStore, match="no key store that encrypts"):
        keys.key_from_keyring(folder)
    keyring.set_keyring(former)


def test_a_passphrase_gives_the_same_key_with_the_same_salt_only(folder: Path, tmp_path: Path) -> None:
    key = keys.key_from_passphrase(folder, passphrase="眼轴每年0.3mm")
    assert len(key) == 32
    assert keys.key_from_passphrase(folder, passphrase="眼轴每年0.3mm") == key
    assert keys.key_from_passphrase(folder, passphrase="眼轴每年0.4mm") != key
    assert keys.key_from_passphrase(tmp_path / "other", passphrase="眼轴每年0.3mm") != key


def test_a_lost_salt_is_told(folder: Path) -> None:
    remember_key(folder_made(folder), keys.key_from_passphrase(folder, passphrase="x"))
    (folder / keys.SALT_FILE).unlink()
    with pytest.raises(StoreUnusable, match="missing"):
        keys.key_from_passphrase(folder, passphrase="x")


def folder_made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_key_file_is_made_for_its_owner_only(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "demo.key"
    key = keys.key_from_file(folder, key_file=path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.key_from_file(folder, key_file=path) == key


@pytest.mark.parametrize("content", ["", "zz" * 32, "ab" * 31, "ab" * 33])
def test_a_file_that_holds_no_key_is_refused(folder: Path, tmp_path: Path, content: str) -> None:
    path = tmp_path / "demo.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(StoreUnusable, match="does not hold a key"):
        keys.key_from_file(folder, key_file=path)


def test_a_key_file_that_others_may_read_is_refused(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "demo.key"
    keys.key_from_file(folder, key_file=path)
    path.chmod(0o640)
    with pytest.raises(StoreUnusable, match="others may read"):
        keys.key_from_file(folder, key_file=path)
