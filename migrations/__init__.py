"""Schema changes, run by one command: `python -m migrations` (and by `make run` for the embedded database)."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

VERSIONS = Path(__file__).with_name("versions")
HEAD = "0001"


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest schema. Does nothing, quickly, if it is there already."""
    from state.database import connect

    engine = connect(url)
    try:
        if _current(engine) != HEAD:
            _run(url)
    finally:
        engine.dispose()


def _current(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("select version_num from alembic_version")).scalar()


def _run(url: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    command.upgrade(config, "head")
