"""The table all contenders keep: eight float columns, one integer, one text with few different values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

SITES = 12
GROUPS = 16


def columns(rows: int) -> dict[str, Any]:
    """The columns of the table, always the same for the same `rows`."""
    random = np.random.default_rng(rows)
    floats: dict[str, Any] = {f"x{i}": random.normal(size=rows) for i in range(8)}
    names = np.array([f"site {i:02d}" for i in range(SITES)], dtype=object)
    return floats | {"group": random.integers(0, GROUPS, rows), "site": names[random.integers(0, SITES, rows)]}


def make(prepared: dict[str, Any], fresh: int) -> pd.DataFrame:
    """A new table; no two with different `fresh` are equal."""
    return pd.DataFrame({**prepared, "x1": prepared["x1"] + fresh})


def replace(table: pd.DataFrame, by: int) -> pd.DataFrame:
    """The table with one column changed."""
    return table.assign(x0=table["x0"] + by)


def aggregate(table: pd.DataFrame) -> str:
    """The work of a read, the same for all: one mean per group, added up."""
    return f"{table.groupby('group')['x1'].mean().sum():.6f}"
