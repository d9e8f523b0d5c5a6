"""What a load tells: counts that add up, and every row that could not be taken, with its reason."""

import dataclasses
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import yaml

from hcrm_core.errors import Severity
from hcrm_core.terms import Source
from hcrm_store.resources import resource

MOST_EXAMPLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """A remark on one row of one file.

    Attributes:
        row: as a spreadsheet counts, the header being 1; of a remark on many rows, the first.
        seen: what was read. It may be patient data: it goes into the store and never into a report.
    """

    file: str
    row: int
    column: str
    code: str
    severity: Severity = Severity.ERROR
    seen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCounts:
    """`read` = `created` + `changed` + `unchanged` + `quarantined`."""

    read: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0

    def __add__(self, other: "FeedCounts") -> "FeedCounts":
        mine, theirs = dataclasses.asdict(self), dataclasses.asdict(other)
        return FeedCounts(**{name: mine[name] + theirs[name] for name in mine})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractReport:
    """What became of an extract.

    Attributes:
        as_of: the instant at which the source was as the extract shows it.
        problems: how many remarks of each code.
        examples: the first remarks; all of them are in `import_problem` under the batch.
    """

    batch_id: UUID
    source: Source
    as_of: datetime
    feeds: dict[str, FeedCounts]
    problems: dict[str, int]
    examples: tuple[RowProblem, ...]

    def as_json(self) -> dict[str, Any]:
        """For the command line: no values of patients in it."""
        return {
            "batch_id": str(self.batch_id),
            "source": self.source.value,
            "as_of": self.as_of.isoformat(),
            "feeds": {name: dataclasses.asdict(counts) for name, counts in self.feeds.items()},
            "problems": self.problems,
            "examples": [
                {"file": one.file, "row": one.row, "column": one.column, "code": one.code, "remedy": remedy(one.code)}
                for one in self.examples
            ],
        }


def counted(problems: list[RowProblem]) -> dict[str, int]:
    """How many of each code, the most frequent first."""
    return dict(Counter(one.code for one in problems).most_common())


def remedy(code: str) -> str:
    """What to do about a problem, in the words of resources/extract/problems.yaml."""
    return _remedies()[code]


@cache
def _remedies() -> dict[str, str]:
    read: dict[str, str] = yaml.safe_load(resource("extract", "problems.yaml").read_text(encoding="utf-8"))
    return read
