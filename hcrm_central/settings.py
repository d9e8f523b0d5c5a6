"""Configuration: one typed object, read from `HCRM_*` variables. Secrets are never logged or printed."""

from datetime import timedelta
from pathlib import Path

import platformdirs
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of the central service and its commands.

    With no database address a private PostgreSQL is started under `data_dir`; production gives three
    addresses, one for each duty, so that no process holds more rights than its work needs.
    """

    model_config = SettingsConfigDict(env_prefix="HCRM_", extra="ignore", frozen=True)

    database_url: SecretStr | None = Field(default=None, description="service: a login in role hcrm_app")
    jobs_database_url: SecretStr | None = Field(default=None, description="scan and import: in role hcrm_jobs")
    owner_database_url: SecretStr | None = Field(default=None, description="migrate only: owner of the schema")
    data_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("hcrm-central", False)))
    postgres_bin: Path | None = Field(default=None, description="folder of a PostgreSQL 15 to 18 to use instead")
    durable: bool = Field(default=True, description="false only for tests: a crash may lose the database")

    host: str = "127.0.0.1"
    port: int = 8765
    log_level: str = "INFO"
    log_json: bool = False

    access_token_minutes: int = 30
    refresh_token_days: int = 30
    lease_days: int = 7
    login_attempts: str = Field(default="10/minute", description="for one account and for one address")

    max_request_bytes: int = Field(default=4_000_000, description="100 operations with the longest notes fit")

    @property
    def access_lifetime(self) -> timedelta:
        return timedelta(minutes=self.access_token_minutes)

    @property
    def refresh_lifetime(self) -> timedelta:
        return timedelta(days=self.refresh_token_days)

    @property
    def lease(self) -> timedelta:
        return timedelta(days=self.lease_days)
