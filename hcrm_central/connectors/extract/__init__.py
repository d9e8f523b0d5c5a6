"""The bulk way in: extracts of a HIS, a sales system, a screening or the simulated clinic (docs/extract.md)."""

from hcrm_central.connectors.extract.load import load_extract
from hcrm_central.connectors.extract.report import ExtractReport, FeedCounts

__all__ = ["ExtractReport", "FeedCounts", "load_extract"]
