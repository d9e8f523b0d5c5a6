"""The Excel ledger: import, dry run with an error workbook, and undo. See docs/ledger.md."""

from hcrm_central.connectors.ledger.importing import import_ledger
from hcrm_central.connectors.ledger.refused import LedgerRefused
from hcrm_central.connectors.ledger.report import LedgerReport, UndoReport
from hcrm_central.connectors.ledger.undo import undo_import

__all__ = ["LedgerRefused", "LedgerReport", "UndoReport", "import_ledger", "undo_import"]
