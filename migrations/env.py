"""Alembic's entry: one connection, one transaction; two processes starting at once wait for each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from state.database import connect
from state.statements import metadata

LOCK = 0x57A7E  # any number of ours, for PostgreSQL's advisory locks


def migrate() -> None:
    engine = connect(context.config.attributes["url"])
    with engine.connect() as connection:
        is_postgres = engine.dialect.name == "postgresql"
        connection.execute(sa.text(f"select pg_advisory_lock({LOCK:d})") if is_postgres else sa.text("begin immediate"))
        try:
            context.configure(connection=connection, target_metadata=metadata)
            context.run_migrations()
            connection.execute(
                sa.text("commit") if not is_postgres else sa.text(f"select pg_advisory_unlock({LOCK:d})")
            )
        except BaseException:
            if not is_postgres:
                connection.execute(sa.text("rollback"))
            raise
    engine.dispose()


migrate()
