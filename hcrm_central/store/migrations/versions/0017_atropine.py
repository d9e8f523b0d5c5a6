"""Facts of low-dose atropine."""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The driver's own cursor: SQLAlchemy would pass an empty parameter set, and "%" would mean a placeholder.
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_name("0017_atropine.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup instead")
