"""A profile's opened files, its clock and who works there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.orm import Session

from hcrm_store.clock import Clock


class Workspace:
    """The opened files of one profile folder. Safe to share between threads."""

    clock: Clock
    folder: Path

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one snapshot of the cache."""
        raise NotImplementedError

    @contextmanager
    def write(self) -> Iterator[Session]:
        """The writing session on the cache, committed on leaving."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def open_workspace(folder: Path, key: bytes, *, clock: Clock) -> Workspace:
    """Open (creating them at first) the files of a profile.

    Args:
        folder: the profile folder; locked against a second workstation until `close()`.
        key: 32 bytes, see hcrm_desktop.cache.keys.

    Raises:
        StoreUnusable: locked by another program, wrong key, or damaged.
    """
    raise NotImplementedError
