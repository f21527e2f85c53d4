from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import migrations
from state.database import connect
from state.statements import metadata


@contextmanager
def open_connection(url):
    engine = connect(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/state.db"
        return
    url = request.getfixturevalue("postgres_url")
    with open_connection(url) as connection:
        connection.exec_driver_sql("drop database if exists migrated with (force)")
        connection.exec_driver_sql("create database migrated")
    yield url.removesuffix("/postgres") + "/migrated"


def test_the_migrations_make_the_schema_the_code_uses(database_url):
    migrations.upgrade(database_url)
    with open_connection(database_url) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_migration_is_the_head_the_code_looks_for():
    assert f"{migrations.HEAD}_" in max(path.name for path in migrations.VERSIONS.glob("*.py"))


def test_several_processes_may_migrate_at_once(database_url):
    with ProcessPoolExecutor(3) as pool:
        list(pool.map(migrations.upgrade, [database_url] * 3))
    with open_connection(database_url) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
