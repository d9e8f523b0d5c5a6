"""Migrations from zero give exactly the mapped classes, and row security covers every table."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

import hcrm_central.store.tables  # noqa: F401
import hcrm_store.kinds  # noqa: F401
from hcrm_central.store import postgres
from hcrm_central.store.migrate import current, head, migrate
from hcrm_central.store.opening import Store, prepare
from hcrm_store.base import Base

CONSTRAINTS = text(
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace AND conrelid <> 0"
    " AND conrelid::regclass::text <> 'alembic_version' AND contype <> 't' ORDER BY 1, 2"
)
INDEXES = text(
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    " AND tablename <> 'alembic_version' ORDER BY 1, 2"
)
COLUMNS = text(
    "SELECT table_name, column_name, data_type, is_nullable, numeric_precision, numeric_scale, column_default"
    " FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2"
)


def _described(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    return {
        name: [tuple(row) for row in connection.execute(query)]
        for name, query in (("columns", COLUMNS), ("constraints", CONSTRAINTS), ("indexes", INDEXES))
    }


def test_migrations_from_zero_equal_the_mapped_classes(store: Store, postgres_server: postgres.PrivatePostgres) -> None:
    with store.owner.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        migrated = _described(connection)
    declared = create_engine(prepare(postgres_server, "declared").owner)
    Base.metadata.create_all(declared)
    with declared.connect() as connection:
        assert migrated == _described(connection)
    declared.dispose()


def test_a_second_migration_changes_nothing(store: Store) -> None:
    migrate(store.owner)
    assert current(store.owner) == head()


def test_every_table_has_row_security(store: Store) -> None:
    with store.owner.connect() as connection:
        open_tables = connection.execute(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
                " AND relname <> 'alembic_version' AND NOT relrowsecurity"
            )
        ).scalars()
        assert list(open_tables) == []


def test_the_service_cannot_bypass_row_security(store: Store) -> None:
    with store.service.connect() as connection:
        powers = connection.execute(
            text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        ).scalar_one()
        owned = connection.execute(text("SELECT count(*) FROM pg_tables WHERE tableowner = current_user")).scalar_one()
    assert powers is False
    assert owned == 0


def test_what_runs_with_the_owners_rights_never_takes_a_callers_table_for_its_own(store: Store) -> None:
    with store.owner.connect() as connection:
        careless = connection.execute(
            text(
                "SELECT oid::regprocedure::text FROM pg_proc WHERE prosecdef AND pronamespace = 'hcrm'::regnamespace"
                " AND NOT coalesce(proconfig @> ARRAY['search_path=public, pg_temp'], false)"
            )
        ).scalars()
        assert list(careless) == []
