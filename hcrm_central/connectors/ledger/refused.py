"""The one error of a ledger import: the file, profile or centre is such that nothing can be imported."""

from hcrm_core.errors import SurroundingsFailed


class LedgerRefused(SurroundingsFailed):
    """Nothing was imported, and the user can act: the message says why, `remedy` what to do."""
