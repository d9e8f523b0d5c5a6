"""Bring a database to the current schema. Safe to run twice and by two processes at once."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from hcrm_core.errors import StoreUnusable

# Policies name these roles; logins are members of one of them. They own nothing and cannot bypass row security.
APP_ROLE, JOBS_ROLE = "hcrm_app", "hcrm_jobs"
_LOCK = 7_411_880_210  # any number, the same in every process


def config() -> Config:
    """Alembic's configuration, without an ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return settings


@cache
def head() -> str:
    """The revision this program was written for."""
    found = ScriptDirectory.from_config(config()).get_current_head()
    assert found is not None
    return found


def current(engine: Engine) -> str | None:
    """The revision a database is at, or None if it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine) -> None:
    """Upgrade to `head`.

    Raises:
        StoreUnusable: if the database is newer than this program.
    """
    settings = config()
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        revision = MigrationContext.configure(connection).get_current_revision()
        if revision is not None and revision not in known:
            raise StoreUnusable(
                f"the database is at revision {revision}, which this program does not know",
                remedy="install the newer release that wrote it",
            )
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
        connection.commit()


def ensure_roles(engine: Engine, logins: dict[str, tuple[str, str]]) -> None:
    """Make the two roles and, for a private server, the logins in them.

    Args:
        engine: connected as a superuser.
        logins: role by login name, with the password: ``{"hcrm_service": ("hcrm_app", "…")}``.
    """
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        existing = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
        for role in {APP_ROLE, JOBS_ROLE} - existing:
            connection.execute(text(f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"))
        for login, (role, password) in logins.items():
            verb = "ALTER" if login in existing else "CREATE"
            literal = password.replace("'", "''")
            connection.execute(text(f"{verb} ROLE {login} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{literal}'"))
            connection.execute(text(f"GRANT {role} TO {login}"))
