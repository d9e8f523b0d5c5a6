"""What the overview reads: the centre's numbers, and the labels of segments and SOPs to show them under."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from hcrm_core.wire import Overview

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Numbers and labels.

    Attributes:
        overview: None until the centre has been heard.
        sop_labels: by key, in the SOPs' order.
        segment_labels: by key, in the segments' order.
    """

    overview: Overview | None
    sop_labels: dict[str, str]
    segment_labels: dict[str, str]

    def sops(self) -> list[tuple[str, int, int]]:
        """Label, to do and done of each SOP that has something today, over all sites."""
        to_do, done = Counter[str](), Counter[str]()
        for site in self.overview.sites if self.overview else ():
            for sop in site.sops:
                to_do[sop.sop_key] += sop.open
                done[sop.sop_key] += sop.done
        return [(label, to_do[key], done[key]) for key, label in self.sop_labels.items() if to_do[key] or done[key]]

    def segments(self) -> list[tuple[str, int]]:
        """Label and size of each segment, over all sites."""
        sizes = Counter[str]()
        for site in self.overview.sites if self.overview else ():
            for segment in site.segments:
                sizes[segment.segment_key] += segment.customers
        return [(label, sizes[key]) for key, label in self.segment_labels.items()]


def read_board(session: "Session", *, today: date) -> Board:
    """Numbers and labels from one snapshot. Runs in a reader."""
    from hcrm_desktop.cache.queries import overview, segments, sop_counts

    return Board(
        overview=overview(session),
        sop_labels={one.sop_key: one.label for one in sop_counts(session, today=today)},
        segment_labels={one.key: one.label for one in segments(session)},
    )
