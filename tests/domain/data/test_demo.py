from __future__ import annotations

from pathlib import Path

import pandas as pd

from domain.data.cohort import Cohorts
from domain.data.demo import write_demo_study
from domain.data.keys import key_report, propose


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_demo_study(tmp_path / name, 50, seed)
    contents = [
        {path.relative_to(tmp_path / n): path.read_bytes() for path in (tmp_path / n).rglob("*.*")} for n in "abc"
    ]
    assert contents[0] == contents[1] != contents[2]
    assert len(contents[0]) == 11


def test_the_study_has_the_shapes_and_troubles_of_a_real_one(cohorts: Cohorts, folder: Path) -> None:
    write_demo_study(folder)
    tables = {table.name: table for table in cohorts.catalogue.tables()}
    assert (propose(list(tables.values())).subject, propose(list(tables.values())).session) == (
        "participant_id",
        "session_id",
    )
    report = {
        keys.table: keys for keys in key_report(cohorts.engine, list(tables.values()), "participant_id", "session_id")
    }
    assert {name: keys.shape for name, keys in report.items()} == {
        "participants": "cross-sectional",
        "cognition": "longitudinal",
        "blood": "longitudinal",
        "mood": "one-to-many",
        "medications": "one-to-many",
    }
    assert (report["participants"].distinct, report["mood"].duplicates) == (2_000, 1)
    family = tables["participants"].column("family_id")
    assert family is not None
    assert family.type == "text"
    people = pd.read_csv(folder / "participants.tsv", sep="\t")
    memory = pd.read_csv(folder / "phenotype" / "cognition.tsv", sep="\t").merge(people, on="participant_id")
    assert memory[["age", "memory_score"]].corr().iloc[0, 1] < -0.4
    assert people.groupby("sex").height_cm.mean().diff().iloc[-1] > 8
    mood = pd.read_csv(folder / "phenotype" / "mood.tsv", sep="\t").merge(people, on="participant_id")
    assert mood.groupby("diagnosis").mood_total.mean()["depression"] > 10
