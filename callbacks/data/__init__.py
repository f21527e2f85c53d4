"""The Data page: one module for each card. The stores hold what was chosen; the cards show it."""

from callbacks.data import columns, count, filters, keys, result, tables

PARTS = (tables, keys, filters, count, columns, result)


class page:
    """What `app.py` binds."""

    @staticmethod
    def register(app) -> None:
        for part in PARTS:
            part.page.register(app)
