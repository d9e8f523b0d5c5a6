"""Configuration: one typed object, read from `HCRM_*` variables. Secrets are never logged or printed."""

import logging
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path

import platformdirs
from limits import parse
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hcrm_core.errors import SurroundingsFailed

_PREFIX = "HCRM_"
_OF_OTHERS = {"HCRM_PROFILE"}  # the workstation's


class Settings(BaseSettings):
    """Settings of the central service and its commands.

    With no database address a private PostgreSQL is started under `data_dir`; production gives three
    addresses, one for each duty, so that no process holds more rights than its work needs.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    database_url: SecretStr | None = Field(default=None, description="service: a login in role hcrm_app")
    jobs_database_url: SecretStr | None = Field(default=None, description="scan and import: in role hcrm_jobs")
    owner_database_url: SecretStr | None = Field(default=None, description="migrate only: owner of the schema")
    data_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("hcrm-central", False)))
    postgres_bin: Path | None = Field(default=None, description="folder of a PostgreSQL 15 to 18 to use instead")
    durable: bool = Field(default=True, description="false only for tests: a crash may lose the database")

    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65535)
    log_level: str = "INFO"
    log_json: bool = False

    access_token_minutes: int = Field(default=30, ge=1, le=100_000)
    refresh_token_days: int = Field(default=30, ge=1, le=100_000)
    lease_days: int = Field(default=7, ge=1, le=100_000)
    login_attempts: str = Field(default="10/minute", description="for one account and for one address")

    wait_seconds: float = Field(default=25, gt=0, le=300, description="how long a wait for news is held")
    snapshot_bytes: int = Field(default=2_000_000_000, ge=0, description="of snapshot files that are kept")

    public_url: str = Field(default="", pattern=r"^(https?://[^\s?#]+)?$", description="as a tablet reaches the centre")
    reference: str = Field(default="", description="name and version of the percentiles to show")

    scan_at: time = Field(default=time(2, 30), description="of the nightly scan, in Shanghai")

    two_person_publish: bool = Field(default=False, description="publishing a rule takes a second manager")

    max_request_bytes: int = Field(default=4_000_000, description="100 operations with the longest notes fit")

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        if level.upper() not in logging.getLevelNamesMapping():
            raise ValueError("there is no such level; there are DEBUG, INFO, WARNING and ERROR")
        return level.upper()

    @field_validator("login_attempts")
    @classmethod
    def _readable_rate(cls, rate: str) -> str:
        try:
            parse(rate)
        except ValueError:
            raise ValueError("write it like 10/minute") from None
        return rate

    @property
    def reference_dir(self) -> Path:
        """Tables of percentiles that the clinic laid there."""
        return self.data_dir / "references"

    @property
    def snapshot_dir(self) -> Path:
        return self.data_dir / "snapshots"

    @property
    def access_lifetime(self) -> timedelta:
        return timedelta(minutes=self.access_token_minutes)

    @property
    def refresh_lifetime(self) -> timedelta:
        return timedelta(days=self.refresh_token_days)

    @property
    def lease(self) -> timedelta:
        return timedelta(days=self.lease_days)


def read_settings() -> Settings:
    """The settings, from the environment.

    Raises:
        SurroundingsFailed: if a variable is wrong. Its value is not repeated: it may be a secret.
    """
    try:
        return Settings()
    except ValidationError as mistake:
        first = mistake.errors()[0]
        name = f"{_PREFIX}{str(first['loc'][0]).upper()}"
        raise SurroundingsFailed(f"{name} is wrong: {first['msg']}", remedy="see docs/central.md") from None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that look like settings and are none: misspelt, most likely."""
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields} | _OF_OTHERS
    return sorted(name for name in environment if name.upper().startswith(_PREFIX) and name.upper() not in known)
