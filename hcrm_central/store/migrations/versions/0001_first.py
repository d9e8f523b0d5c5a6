"""The first schema: tables, versions, streams and row security.

Written as SQL, frozen: a migration must not change its meaning when the mapped classes do.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The driver's own cursor: SQLAlchemy would pass an empty parameter set, and "%" would mean a placeholder.
    cursor = op.get_bind().connection.cursor()
    for name in ("0001_tables.sql", "0001_row_security.sql"):
        cursor.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup instead")
