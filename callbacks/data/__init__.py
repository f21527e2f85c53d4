"""The Data page: one module for each card. The stores hold what was chosen; the cards show it."""

from callbacks.data import columns, count, filters, keys, result, tables
from callbacks.data.desk import page

__all__ = ["columns", "count", "filters", "keys", "page", "result", "tables"]
