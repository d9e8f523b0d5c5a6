"""Write an extract directory: the format that docs/extract.md describes.

The manifest is written last: a directory without one is not finished, and a reader refuses it.
"""

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

FORMAT, VERSION = "hcrm-extract", 1
ORGANISATION, MANIFEST = "organisation.json", "manifest.json"
OWN_FILES = (ORGANISATION, MANIFEST)  # beside one folder for each part
_DECIMALS = {"medications": 3}  # 0.025 %; diopters, mm and yuan have two


@dataclass(slots=True, kw_only=True)
class ExtractWriter:
    """Collects the files of one extract as they are written."""

    directory: Path
    files: list[dict[str, str | int]] = field(default_factory=list)

    def write_organisation(self, organisation: dict[str, list[dict[str, str]]]) -> None:
        """The group, as one JSON file."""
        text = json.dumps(organisation, ensure_ascii=False, indent=1) + "\n"
        self._write(ORGANISATION, text.encode(), feed="organisation", part=0, rows=len(organisation["staff"]))

    def write_feed(self, feed: str, frame: pl.DataFrame, *, part: int) -> None:
        """One feed of one part, as CSV: dates ISO, decimals with a point, empty for unknown."""
        text = frame.write_csv(float_precision=_DECIMALS.get(feed, 2))
        packed = gzip.compress(text.encode(), compresslevel=1, mtime=0)
        self._write(f"{part:04d}/{feed}.csv.gz", packed, feed=feed, part=part, rows=frame.height)

    def seal(self, *, source: str, as_of: datetime) -> None:
        """The manifest: what belongs to this extract, and how it was when it was written."""
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "source": source,
            "as_of": as_of.isoformat(),
            "files": self.files,
        }
        (self.directory / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")

    def _write(self, name: str, content: bytes, *, feed: str, part: int, rows: int) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        self.files.append({"name": name, "feed": feed, "part": part, "rows": rows, "sha256": digest})
