"""Component ids, written `page-part-role`. No literal id stands anywhere else."""

from typing import Any
from urllib.parse import quote


class Stores:
    """The `data` of every `dcc.Store`. All are made in `ui/shell.py`."""

    AVAILABLE_TABLES = "available-tables-store"
    MERGE_KEYS = "merge-keys-store"
    PHENOTYPIC_FILTERS = "phenotypic-filters-store"
    MERGED_DATAFRAME = "merged-dataframe-store"

    ALL = (AVAILABLE_TABLES, MERGE_KEYS, PHENOTYPIC_FILTERS, MERGED_DATAFRAME)


class Shell:
    MAIN = "main"
    NAV_DATA = "shell-nav-data"
    THEME_BUTTON = "shell-theme-button"
    ACCOUNT_MENU = "shell-account-menu"
    ACCOUNT_NAME = "shell-account-name"
    NAME_INPUT = "shell-name-input"
    NAME_SAVE = "shell-name-save"
    NAME_STATUS = "shell-name-status"


class Home:
    OPEN_DATA = "home-data-open"


class Data:
    TABLES_SEARCH = "data-tables-search"
    TABLES_LOOK_AGAIN = "data-tables-look-again"
    TABLES_CHOSEN = "data-tables-chosen"
    TABLES_LIST = "data-tables-list"

    CONTENT_DIALOG = "data-content-dialog"
    CONTENT_TITLE = "data-content-title"
    CONTENT_SEARCH = "data-content-search"
    CONTENT_LIST = "data-content-list"

    KEYS_SUBJECT = "data-keys-subject"
    KEYS_SESSION = "data-keys-session"
    KEYS_BASE = "data-keys-base"
    KEYS_HOW = "data-keys-how"
    KEYS_PROBLEM = "data-keys-problem"
    KEYS_REPORT = "data-keys-report"

    FILTERS_DEMOGRAPHICS = "data-filters-demographics"
    FILTERS_LIST = "data-filters-list"
    FILTERS_UNDO = "data-filters-undo"
    FILTERS_SEARCH = "data-filters-search"
    FILTERS_TABLE = "data-filters-table"
    FILTERS_FOUND = "data-filters-found"

    COLUMNS_TABLE = "data-columns-table"
    COLUMNS_SEARCH = "data-columns-search"
    COLUMNS_ALL = "data-columns-all"
    COLUMNS_PANEL = "data-columns-panel"
    COLUMNS_CHOSEN = "data-columns-chosen"

    MERGE = "data-merge-button"
    RESULT_PROBLEM = "data-result-problem"
    RESULT_NOTICE = "data-result-notice"
    RESULT_BOX = "data-result-box"
    DOWNLOAD = "data-result-download"

    SUMMARY = "data-summary-box"

    @staticmethod
    def step(number: int) -> str:
        return f"data-step-{number}"

    @staticmethod
    def choose(table: Any) -> dict[str, Any]:
        return {"type": "data-table-choose", "table": table}

    @staticmethod
    def look_into(table: Any) -> dict[str, Any]:
        return {"type": "data-table-look", "table": table}

    @staticmethod
    def add_filter(place: Any, table: Any, column: Any) -> dict[str, Any]:
        """`place` tells two buttons for one column apart. Dash loses clicks on ids beyond ASCII: the name is quoted."""
        name = quote(column) if isinstance(column, str) else column
        return {"type": "data-filter-add", "place": place, "table": table, "column": name}

    @staticmethod
    def row(part: str, name: Any) -> dict[str, Any]:
        """A part of the row of the filter called `name`: `op`, `low`, `high`, `one`, `chosen`, `lines`, …"""
        return {"type": f"data-filter-{part}", "filter": name}

    @staticmethod
    def row_value(name: Any, kind: Any) -> dict[str, Any]:
        """What holds the controls of one kind in a filter's row."""
        return {"type": "data-filter-value", "filter": name, "kind": kind}

    @staticmethod
    def pick_columns(table: Any) -> dict[str, Any]:
        return {"type": "data-columns-pick", "table": table}

    @staticmethod
    def grid(version: Any) -> dict[str, Any]:
        """A new version is a new grid, which asks for its rows afresh."""
        return {"type": "data-result-grid", "version": version}
