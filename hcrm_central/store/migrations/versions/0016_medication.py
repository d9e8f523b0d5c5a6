"""Courses of medicines against myopia."""

from pathlib import Path

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The driver's own cursor: SQLAlchemy would pass an empty parameter set, and "%" would mean a placeholder.
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_name("0016_medication.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup instead")
