"""BIDS data dictionaries: the JSON file beside a table that says what its columns and codes mean."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)
LARGEST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Dictionary:
    title: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def beside(path: Path) -> Path | None:
    """The dictionary of the table at `path`, if there is one; links are not followed."""
    found = path.with_suffix(".json")
    return found if found.is_file() and not found.is_symlink() else None


def read(content: bytes, name: str = "") -> Dictionary:
    """The dictionary in `content`; an unreadable one is an empty one, with a warning: the table is still good."""
    try:
        document = json.loads(content) if len(content) <= LARGEST_BYTES else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        if content:
            logger.warning("the data dictionary %s is not a JSON object and is not used", name)
        return Dictionary()
    entries = {key: entry for key, entry in document.items() if isinstance(entry, dict)}
    tool = entries.pop("MeasurementToolMetadata", {})
    labels = {key: _label(entry) for key, entry in entries.items()}
    return Dictionary(_text(tool.get("Description")), labels, {key: _levels(entry) for key, entry in entries.items()})


def _label(entry: Mapping[str, Any]) -> str:
    label = _text(entry.get("Description")) or _text(entry.get("LongName"))
    units = _text(entry.get("Units"))
    return f"{label} [{units}]" if label and units else label


def _levels(entry: Mapping[str, Any]) -> dict[str, str]:
    levels = entry.get("Levels")
    if isinstance(levels, list):
        return {str(level): str(level) for level in levels}
    if not isinstance(levels, dict):
        return {}
    return {str(value): _level(label) or str(value) for value, label in levels.items()}


def _level(label: Any) -> str:
    if isinstance(label, dict):
        return _text(label.get("Description"))
    return str(label) if isinstance(label, str | int | float) else ""


def _text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
