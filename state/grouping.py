"""Dash's groupings of arguments and results, taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dash._utils import stringify_id


def collect(indices: Any, grouped: Any, flat: list[Any]) -> None:
    """Undo Dash's grouping: each leaf of `indices` is the position of its value in `flat`."""
    if isinstance(indices, dict):
        for name, part in indices.items():
            collect(part, grouped[name], flat)
    elif isinstance(indices, (list, tuple)):
        for part, value in zip(indices, grouped, strict=True):
            collect(part, value, flat)
    else:
        flat[indices] = grouped[0] if isinstance(grouped, tuple) and len(grouped) == 1 else grouped


def zip_map(schema: Any, values: Any, fn: Callable[[Any, Any, int], Any]) -> Any:
    """`fn(leaf, value, position)` over a grouping; a grouping that does not fit is left for Dash to complain about."""
    position = iter(range(1_000_000))

    def walk(part: Any, value: Any) -> Any:
        if isinstance(part, (list, tuple)):
            if not isinstance(value, (list, tuple)) or len(value) != len(part):
                return value
            return [walk(p, v) for p, v in zip(part, value, strict=True)]
        if isinstance(part, dict):
            if not isinstance(value, dict) or value.keys() != part.keys():
                return value
            return {name: walk(part[name], value[name]) for name in part}
        return fn(part, value, next(position))

    return walk(schema, values)


def tell_context(context: Any, specs: list[Any], concerned: list[int], flat: list[Any]) -> None:
    """Let `dash.ctx` show what the callback was given."""
    changed: dict[str, Any] = {}
    for i in concerned:
        items = specs[i] if isinstance(specs[i], list) else [specs[i]]
        shown = flat[i] if isinstance(specs[i], list) else [flat[i]]
        for item, value in zip(items, shown, strict=True):
            item["value"] = value
            changed[f"{stringify_id(item['id'])}.{item['property']}"] = value
    for values in (context.get("input_values"), context.get("state_values")):
        values.update({name: changed[name] for name in values or {} if name in changed})
    for triggered in context.get("triggered_inputs") or []:
        if triggered.get("prop_id") in changed:
            triggered["value"] = changed[triggered["prop_id"]]


def tell_groups(indices: Any, groups: Any, concerned: list[int], flat: list[Any]) -> None:
    """The same for `dash.ctx.args_grouping`, which holds copies."""
    if isinstance(indices, dict):
        for name, part in indices.items():
            tell_groups(part, groups[name], concerned, flat)
    elif isinstance(indices, (list, tuple)):
        for part, group in zip(indices, groups, strict=True):
            tell_groups(part, group, concerned, flat)
    elif indices in concerned:
        items = groups if isinstance(groups, list) else [groups]
        for item, value in zip(items, flat[indices] if isinstance(groups, list) else [flat[indices]], strict=True):
            item["value"] = value
