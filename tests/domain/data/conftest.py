"""A study in a folder, and cohorts on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domain.data.cohort import Cohorts
from domain.data.engine import Engine
from domain.data.tables import Catalogue

PUBLIC = Path(__file__).parents[4] / "shared" / "data" / "research"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "study"
    path.mkdir()
    return path


@pytest.fixture
def catalogue(folder: Path, tmp_path: Path) -> Catalogue:
    return Catalogue(folder, tmp_path / "store")


def cohorts_on(folder: Path, work: Path, **options: int) -> Cohorts:
    """Cohorts on the tables of `folder`, with everything they write in `work`."""
    store, results = work / "store", work / "results"
    for path in (store, results):
        path.mkdir(parents=True, exist_ok=True)
    return Cohorts(Engine([store, results], work / "temp"), Catalogue(folder, store), results, **options)


@pytest.fixture
def cohorts(folder: Path, tmp_path: Path) -> Cohorts:
    return cohorts_on(folder, tmp_path)


@pytest.fixture(scope="session")
def public_cohorts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Cohorts]:
    """Cohorts on one of the public studies; each is read once in a test session."""
    opened: dict[str, Cohorts] = {}

    def open_study(name: str) -> Cohorts:
        if not (PUBLIC / name).is_dir():
            pytest.skip(
                f"the public study {name} is absent: it is expected in {PUBLIC.parent.parent.name}/data/research"
            )
        if name not in opened:
            opened[name] = cohorts_on(PUBLIC / name, tmp_path_factory.mktemp(name))
        return opened[name]

    return open_study
