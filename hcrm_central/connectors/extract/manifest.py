"""The manifest of an extract: what belongs to it, and proof that all of it arrived."""

import hashlib
import re
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from hcrm_central.connectors.extract.feeds import FEEDS
from hcrm_core.errors import Rejected
from hcrm_core.terms import Source

FORMAT, VERSION, MANIFEST = "hcrm-extract", 1, "manifest.json"
_FILE_NAME = re.compile(r"organisation\.json|\d{4}/[a-z_]{1,40}\.csv(\.gz)?")


class ExtractFile(BaseModel):
    """One file: its feed, its part and what it holds."""

    model_config = ConfigDict(frozen=True)

    name: str
    feed: str
    part: int = Field(ge=0, le=9999)
    rows: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """What the writer of an extract says about it. It is written last: without it an extract is not finished."""

    model_config = ConfigDict(frozen=True)

    format: Literal["hcrm-extract"]
    version: int
    source: Source
    as_of: AwareDatetime
    files: list[ExtractFile]

    def parts(self) -> list[int]:
        """Numbers of the parts, in order. Part 0 is the organisation."""
        return sorted({file.part for file in self.files} - {0})

    def files_of(self, part: int) -> dict[str, ExtractFile]:
        """The files of a part by feed."""
        return {file.feed: file for file in self.files if file.part == part}


def read_manifest(directory: Path, *, now: datetime) -> Manifest:
    """The manifest of a complete and undamaged extract.

    Args:
        directory: the extract.
        now: the instant; an extract cannot come from later.

    Raises:
        Rejected: `extract_incomplete`, `manifest_unreadable`, `version_unknown`, `from_the_future` or `file_damaged`.
    """
    manifest = _parsed(directory / MANIFEST)
    if manifest.version != VERSION:
        raise Rejected("version_unknown", f"the extract has version {manifest.version}; this program reads {VERSION}")
    if manifest.as_of > now:
        raise Rejected("from_the_future", f"the extract is as of {manifest.as_of}, which has not come yet")
    for file in manifest.files:
        _verify(directory, file)
    strange = sorted({file.feed for file in manifest.files} - {"organisation", *FEEDS})
    if strange:
        raise Rejected("manifest_unreadable", f"the manifest names the feed {strange[0]!r}, which is none")
    if len({(file.part, file.feed) for file in manifest.files}) < len(manifest.files):
        raise Rejected("manifest_unreadable", "the manifest names a feed twice in one part")
    return manifest


def digest_of(path: Path) -> str:
    """SHA-256 of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parsed(path: Path) -> Manifest:
    if not path.is_file():
        raise Rejected("extract_incomplete", f"{path} is missing: the extract is not finished, or is somewhere else")
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        where = ", ".join(".".join(map(str, one["loc"])) or "JSON" for one in error.errors()[:3])
        raise Rejected("manifest_unreadable", f"manifest.json cannot be read: see {where}") from None


def _verify(directory: Path, file: ExtractFile) -> None:
    if not _FILE_NAME.fullmatch(file.name):
        raise Rejected("manifest_unreadable", f"{file.name!r} is no name for a file of an extract")
    path = directory / file.name
    if not path.is_file():
        raise Rejected("extract_incomplete", f"{file.name} is missing: copy the whole extract again")
    if digest_of(path) != file.sha256:
        raise Rejected("file_damaged", f"{file.name} is not as it was written: copy the extract again")
