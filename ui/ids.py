"""Component ids, written `page-part-role`. No literal id stands anywhere else."""


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
