"""A made-up study in BIDS layout, the same bytes for the same seed, with the troubles that real studies have.

Memory falls with age and rises with practice from visit to visit; height goes with sex; sites differ in scanner and
in how much they leave out; patients score higher on mood and come back less often. One questionnaire was entered
twice, ids are padded with zeros, and people take any number of medicines.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

Row = Sequence[Any]
SITES = ("Basel", "Leiden", "Oslo", "Porto")
SITE_MISSING = {"Basel": 0.02, "Leiden": 0.04, "Oslo": 0.05, "Porto": 0.12}
DIAGNOSES = ("control", "depression", "anxiety", "bipolar")
DIAGNOSIS_WEIGHTS = (55, 22, 15, 8)
MOOD = {"control": 4.0, "depression": 15.0, "anxiety": 10.0, "bipolar": 12.0}
MEDICINES: Mapping[str, Sequence[tuple[str, int]]] = {
    "control": (("ibuprofen", 400), ("levothyroxine", 75), ("metformin", 500)),
    "depression": (("sertraline", 50), ("escitalopram", 10), ("mirtazapine", 15), ("bupropion", 150)),
    "anxiety": (("escitalopram", 10), ("propranolol", 40), ("pregabalin", 75)),
    "bipolar": (("lithium", 300), ("quetiapine", 100), ("lamotrigine", 50)),
}
SESSIONS = ("ses-01", "ses-02", "ses-03")


@dataclass(frozen=True)
class Person:
    id: str
    family: str
    age: int
    sex: str
    site: str
    diagnosis: str
    education: int
    height: float
    weight: float
    visits: int


def write_demo_study(directory: Path, participants: int = 2_000, seed: int = 20_240_601) -> None:
    """Write the study of `participants` people into `directory`, which is made if need be.

    The same arguments give the same bytes. Each file is complete or absent; one that is there is replaced.
    """
    random = Random(seed)  # noqa: S311 - a study, not a secret
    people = [_person(random, n + 1, len(str(participants))) for n in range(participants)]
    _write(directory / "dataset_description.json", _json({"Name": "Stateroom demo study", "BIDSVersion": "1.10.0"}))
    _table(directory / "participants", PARTICIPANTS, map(_participant, people), random)
    phenotype = directory / "phenotype"
    _table(phenotype / "mood", MOOD_SCALE, _mood(random, people), random)
    _table(phenotype / "cognition", COGNITION, _cognition(random, people), random)
    _table(phenotype / "blood", BLOOD, _blood(random, people), random)
    _table(phenotype / "medications", MEDICATIONS, _medications(random, people), random)


ID = {"participant_id": {"Description": "Participant"}}
SESSION = {
    "session_id": {
        "Description": "Visit",
        "Levels": {"ses-01": "Baseline", "ses-02": "After one year", "ses-03": "After two years"},
    }
}
PARTICIPANTS: dict[str, Any] = {
    **ID,
    "family_id": {"Description": "Family, a number of five digits"},
    "age": {"Description": "Age at baseline", "Units": "years"},
    "sex": {"Description": "Sex", "Levels": {"F": "Female", "M": "Male"}},
    "site": {"Description": "Site where the participant was seen"},
    "diagnosis": {"Description": "Diagnosis at baseline", "Levels": {name: name.capitalize() for name in DIAGNOSES}},
    "education_years": {"Description": "Completed education", "Units": "years"},
    "height_cm": {"Description": "Height", "Units": "cm"},
    "weight_kg": {"Description": "Weight", "Units": "kg"},
}
MOOD_SCALE: dict[str, Any] = {
    "MeasurementToolMetadata": {"Description": "Mood questionnaire"},
    **ID,
    **{
        f"mood_{n}": {
            "Description": f"Item {n}: in the last two weeks",
            "Levels": {"0": "Not at all", "1": "Several days", "2": "More than half the days", "3": "Every day"},
        }
        for n in range(1, 10)
    },
    "mood_total": {"Description": "Sum of the nine items, 0 to 27"},
    "completed": {"Description": "Day of completion"},
}
COGNITION: dict[str, Any] = {
    "MeasurementToolMetadata": {"Description": "Cognitive battery"},
    **ID,
    **SESSION,
    "memory_score": {"Description": "Words recalled after 20 minutes, scaled", "Units": "points"},
    "reaction_ms": {"Description": "Median reaction time", "Units": "ms"},
    "vocabulary": {"Description": "Vocabulary, scaled", "Units": "points"},
}
BLOOD: dict[str, Any] = {
    "MeasurementToolMetadata": {"Description": "Blood samples"},
    **ID,
    **SESSION,
    "sample_id": {"Description": "Tube, a number of eight digits"},
    "crp_mg_l": {"Description": "C-reactive protein", "Units": "mg/L"},
    "hba1c_percent": {"Description": "Glycated haemoglobin", "Units": "%"},
    "fasting": {"Description": "Fasting when the sample was taken"},
}
MEDICATIONS: dict[str, Any] = {
    "MeasurementToolMetadata": {"Description": "Current medication, one row for each medicine"},
    **ID,
    "medicine": {"Description": "Active substance"},
    "dose_mg": {"Description": "Daily dose", "Units": "mg"},
    "since": {"Description": "First day taken"},
}


def _person(random: Random, number: int, digits: int) -> Person:
    age = round(min(85.0, max(18.0, random.gauss(46, 16))))
    sex = random.choice("FM")
    site = random.choices(SITES, (35, 30, 20, 15))[0]
    diagnosis = random.choices(DIAGNOSES, DIAGNOSIS_WEIGHTS)[0]
    height = random.gauss(178 if sex == "M" else 165, 7)
    weight = 24.5 * (height / 100) ** 2 * random.lognormvariate(0, 0.14)
    education = round(min(22.0, max(6.0, random.gauss(14.5 - 0.03 * (age - 45), 2.8))))
    visits = 1 + (random.random() < _return_rate(site, diagnosis)) * (1 + (random.random() < 0.8))
    family = f"{random.randint(1, 99_999):05d}"
    return Person(f"sub-{number:0{digits}d}", family, age, sex, site, diagnosis, education, height, weight, visits)


def _return_rate(site: str, diagnosis: str) -> float:
    return 0.85 - (0.2 if diagnosis != "control" else 0) - (0.1 if site == "Porto" else 0)


def _participant(person: Person) -> Row:
    details = (person.age, person.sex, person.site, person.diagnosis, person.education)
    return (person.id, person.family, *details, f"{person.height:.1f}", f"{person.weight:.1f}")


def _mood(random: Random, people: Sequence[Person]) -> Iterable[Row]:
    twice = people[len(people) // 3].id if people else ""
    for person in people:
        if random.random() < SITE_MISSING[person.site]:
            continue  # never filled in, so not in the table
        for _ in range(2 if person.id == twice else 1):
            level = max(0.0, random.gauss(MOOD[person.diagnosis], 4)) / 9
            items = [min(3, max(0, round(random.gauss(level, 0.6)))) for _ in range(9)]
            day = f"2024-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"
            yield (person.id, *items, sum(items), day)


def _cognition(random: Random, people: Sequence[Person]) -> Iterable[Row]:
    for person in people:
        ability = random.gauss(0, 1)
        for visit, session in enumerate(SESSIONS[: person.visits]):
            memory = 62 - 0.28 * (person.age + visit) + 4 * ability + 1.8 * visit + random.gauss(0, 3)
            memory -= 3 if person.diagnosis == "depression" else 0
            reaction = 260 + 2.4 * person.age - 8 * visit + random.gauss(0, 35) + (25 if person.site == "Oslo" else 0)
            words = 40 + 1.1 * person.education + 0.05 * person.age + 3 * ability + random.gauss(0, 3)
            tired = random.random() < 0.03 + max(0, person.age - 65) * 0.012  # the oldest more often stop early
            yield (person.id, session, f"{memory:.1f}", None if tired else round(reaction), f"{words:.1f}")


def _blood(random: Random, people: Sequence[Person]) -> Iterable[Row]:
    for person in people:
        for session in SESSIONS[: min(2, person.visits)]:
            if random.random() < 2 * SITE_MISSING[person.site]:
                continue
            bmi = person.weight / (person.height / 100) ** 2
            crp = random.lognormvariate(0.1 + 0.07 * (bmi - 25), 0.8)
            sugar = 5.1 + 0.008 * (person.age - 40) + 0.03 * (bmi - 25) + random.gauss(0, 0.3)
            tube, fasting = f"{random.randint(1, 9_999_999):08d}", str(random.random() < 0.8).lower()
            yield (person.id, session, tube, f"{crp:.2f}", f"{sugar:.1f}", fasting)


def _medications(random: Random, people: Sequence[Person]) -> Iterable[Row]:
    for person in people:
        likely = 0.25 if person.diagnosis == "control" else 0.8
        choices = MEDICINES[person.diagnosis]
        number = sum(random.random() < likely for _ in choices)
        for medicine, dose in random.sample(choices, number):
            since = f"{random.randint(2015, 2023)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"
            yield (person.id, medicine, dose * random.choice((1, 1, 2)), None if random.random() < 0.15 else since)


def _table(stem: Path, words: Mapping[str, Any], rows: Iterable[Row], random: Random) -> None:
    names = [name for name in words if name != "MeasurementToolMetadata"]
    keys = sum(name in ("participant_id", "session_id") for name in names)
    lines = ["\t".join(names)]
    for row in rows:
        lines.append("\t".join(_cell(value, n >= keys and random.random() < 0.015) for n, value in enumerate(row)))
    _write(stem.with_suffix(".json"), _json(words))
    _write(stem.with_suffix(".tsv"), "\n".join(lines) + "\n")


def _cell(value: Any, is_lost: bool) -> str:
    return "n/a" if is_lost or value is None else str(value)


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".new-", encoding="utf-8", delete=False) as new:
        new.write(text)
    os.chmod(new.name, 0o644)
    os.replace(new.name, path)
