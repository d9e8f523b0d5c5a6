"""One number for many rows, equal on both sides if and only if (but for chance) they hold the same rows.

The digest of a row is the first 63 bits of SHA-256 over its kind, id and version; that of several rows is the sum
modulo 2^63, so it does not depend on their order. `hcrm.row_digest` (migration 0004) is the same in SQL.
"""

import hashlib
from collections.abc import Iterable
from uuid import UUID

MODULUS = 2**63


def row_digest(kind: str, row_id: UUID | str, *, ver: int) -> int:
    """The digest of one version of one row: 0 ≤ digest < 2^63.

    Args:
        row_id: an id, or its text as `str` of a UUID writes it.
    """
    text = f"{kind}:{row_id}:{ver}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


def total(digests: Iterable[int]) -> int:
    """The digest of several rows."""
    return sum(digests) % MODULUS
