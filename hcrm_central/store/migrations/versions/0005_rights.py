"""Rights with their history, held operations that are decided, and workstations that are looked after."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The driver's own cursor: SQLAlchemy would pass an empty parameter set, and "%" would mean a placeholder.
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_name("0005_rights.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup instead")
