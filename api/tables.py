"""`/api/v1/tables`: the installation's tables, and what each holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, current_app, jsonify

from domain.data.description import Table
from domain.data.workbench import Workbench

tables = Blueprint("tables", __name__, url_prefix="/api/v1/tables")


def workbench() -> Workbench:
    found: Workbench = current_app.extensions["stateroom-data"]
    return found


@tables.get("")
def index() -> Response:
    catalogue = workbench().catalogue
    refused = [asdict(refused) for refused in catalogue.refused()]
    return jsonify(tables=[described(table) for table in catalogue.tables()], refused=refused)


@tables.get("/<name>")
def show(name: str) -> Response:
    return jsonify(described(workbench().catalogue.table(name)))


def described(table: Table) -> dict[str, Any]:
    """A table as JSON. `owner` is null: it belongs to the installation."""
    columns = [
        {part: getattr(column, part) for part in ("name", "type", "label", "missing", "min", "max")}
        | {"levels": dict(column.levels)}
        for column in table.columns
    ]
    return {
        "name": table.name,
        "title": table.title,
        "source": table.source,
        "owner": None,
        "rows": table.rows,
        "hash": table.hash,
        "columns": columns,
    }
