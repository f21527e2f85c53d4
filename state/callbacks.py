"""Callbacks that receive and return values, wherever the values are kept.

`Callbacks` records a page's callbacks and binds them to an app later, as a Flask blueprint does; `callback` is the same
for any other Dash app, in the place of `dash.callback`. Both put one wrapper around the function. At run time the
wrapper asks the app's StateLayer which stores it manages, so nothing here depends on the order of imports.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import dash
import flask
from dash._callback_context import context_value
from dash._grouping import flatten_grouping
from dash._no_update import NoUpdate
from dash._validate import validate_and_group_input_args
from dash.dependencies import ALL, ALLSMALLER, MATCH, handle_grouped_callback_args

from errors import BadRequest
from state.envelope import concrete_id, store_name
from state.grouping import collect, tell_context, tell_groups, zip_map

F = TypeVar("F", bound=Callable[..., Any])
WILDCARDS = (ALL, MATCH, ALLSMALLER)
MAPPINGS = "__state_mappings__"
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Callbacks:
    """A page's recorder: `page = Callbacks()`, `@page.callback(Output(…), Input(…))`, later `page.register(app)`."""

    def __init__(self) -> None:
        self._records: list[tuple[tuple[Any, ...], dict[str, Any], Callable[..., Any]]] = []
        self._clientside: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def callback(self, *args: Any, **kwargs: Any) -> Callable[[F], F]:
        """Takes what `dash.callback` takes. The function stays as it is, so a test may call it directly."""

        def record(func: F) -> F:
            self._records.append((args, kwargs, func))
            return func

        return record

    def clientside(self, *args: Any, **kwargs: Any) -> None:
        """Takes what `dash.clientside_callback` takes."""
        self._clientside.append((args, kwargs))

    def register(self, app: dash.Dash) -> None:
        """Bind the recorded callbacks to `app`; as often as there are apps."""
        for args, kwargs, func in self._records:
            app.callback(*args, **kwargs)(managed(func, args, kwargs, app))
        for args, kwargs in self._clientside:
            app.clientside_callback(*args, **kwargs)


def callback(*args: Any, **kwargs: Any) -> Callable[[F], F]:
    """In the place of `dash.callback`, in an app that has a StateLayer."""

    def register(func: F) -> F:
        dash.callback(*args, **kwargs)(managed(func, args, kwargs))
        return func

    return register


def state_managed_callback(store_mappings: Mapping[str, str]) -> Callable[[F], F]:
    """Give the parameters `{param: store}` the stored values, above or below the callback decorator.

    A parameter that the Dash dependencies fill already is replaced; any other is added.
    """

    def mark(func: F) -> F:
        setattr(func, MAPPINGS, {**getattr(func, MAPPINGS, {}), **store_mappings})
        return func

    return mark


def managed(func: F, args: Sequence[Any], kwargs: Mapping[str, Any], app: dash.Dash | None = None) -> F:
    """`func` with values in the place of references, for a callback declared by `args` and `kwargs`.

    The layer is that of `app`, or the one of the Flask application that answers the request.
    """
    bridge = Bridge(func, args, kwargs, app)
    if inspect.iscoroutinefunction(func):

        @functools.wraps(func)
        async def call_async(*given: Any, **named: Any) -> Any:
            arguments, keywords = bridge.arguments(given, named)
            return bridge.results(await func(*arguments, **keywords))

        wrapper: Any = call_async
    else:

        @functools.wraps(func)
        def call(*given: Any, **named: Any) -> Any:
            arguments, keywords = bridge.arguments(given, named)
            return bridge.results(func(*arguments, **keywords))

        wrapper = call
    wrapper.__state_managed__ = True
    return wrapper


class Bridge:
    """Between one callback's dependencies and the layer of the app that runs it."""

    def __init__(
        self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], app: dash.Dash | None
    ) -> None:
        self._app = app
        parsed = handle_grouped_callback_args(list(args), dict(kwargs))
        self._func = func
        self._output, inputs, states, self._indices, _ = parsed
        self._dependencies = [*inputs, *states]

    def arguments(self, given: Sequence[Any], named: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The function's arguments with the stored values in them; one look at the backend for all of them."""
        layer = _layer(self._app)
        if layer is not None and self._dependencies:
            given, named = self._resolve(layer, given, named)
        mappings = getattr(self._func, MAPPINGS, None)
        if mappings and layer is not None:
            return self._inject(layer, mappings, list(given), dict(named))
        return list(given), dict(named)

    def results(self, returned: Any) -> Any:
        """What goes to the browser: references in the place of the values of stores on the server."""
        layer = _layer(self._app)
        if layer is None:
            return returned
        _replace_side_updates(layer)
        if NoUpdate.is_no_update(returned):
            return returned
        leaves = flatten_grouping(self._output) if not _is_single(self._output) else [self._output]
        if not any(_is_store(layer, leaf, "data", "clear_data") for leaf in leaves):
            return returned
        specs = context_value.get().outputs_list
        flat_specs = [specs] if _is_single(self._output) else list(specs)
        return zip_map(self._output, returned, lambda leaf, value, i: _outgoing(layer, leaf, value, flat_specs[i]))

    def _resolve(self, layer: Any, given: Sequence[Any], named: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        context = context_value.get()
        specs = [*context.inputs_list, *context.states_list]
        candidates = [i for i, d in enumerate(self._dependencies) if _prop(d) == "data"]
        if not candidates:
            return list(given), dict(named)
        flat: list[Any] = [None] * len(self._dependencies)
        collect(self._indices, named if isinstance(self._indices, dict) else given, flat)
        concerned = [i for i in candidates if layer.manages(self._dependencies[i].component_id, flat[i])]
        if not concerned:
            return list(given), dict(named)
        names = {i: _names(self._dependencies[i], specs[i]) for i in concerned}
        wanted = [pair for i in concerned for pair in _pairs(names[i], flat[i])]
        values = layer.incoming(wanted)
        for i in concerned:
            flat[i] = _rebuild(names[i], flat[i], values)
        tell_context(context, specs, concerned, flat)
        tell_groups(self._indices, context.get("args_grouping"), concerned, flat)
        return validate_and_group_input_args(flat, self._indices)

    def _inject(
        self, layer: Any, mappings: Mapping[str, str], given: list[Any], named: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        values = {parameter: layer.values([store])[store] for parameter, store in mappings.items()}
        positional = [p.name for p in inspect.signature(self._func).parameters.values() if p.kind in POSITIONAL]
        if len(given) < len(positional):  # Dash fills those that are not mapped
            free = [name for name in positional if name not in mappings]
            return [], {**dict(zip(free, given, strict=False)), **named, **values}
        for parameter in set(positional) & set(values):
            given[positional.index(parameter)] = values.pop(parameter)
        return given, {**named, **values}


def _layer(app: dash.Dash | None) -> Any:
    if not flask.has_app_context():
        return None
    extensions = flask.current_app.extensions
    return extensions.get("stateroom-layers", {}).get(id(app)) if app else extensions.get("stateroom")


def _is_single(output: Any) -> bool:
    return not isinstance(output, (list, tuple, dict))


def _is_store(layer: Any, dependency: Any, *props: str) -> bool:
    return _prop(dependency) in (props or ("data",)) and layer.manages(dependency.component_id)


def _prop(dependency: Any) -> str:
    return str(dependency.component_property).split("@")[0]


def _names(dependency: Any, spec: Any) -> Any:
    """The store's name; a list of names where a pattern matches several. Fixed parts come from the declaration only."""
    declared = dependency.component_id
    if isinstance(declared, str):
        return store_name(declared)
    if isinstance(spec, list):
        return [store_name(concrete_id(declared, item.get("id"), WILDCARDS)) for item in spec]
    if not isinstance(spec, dict):
        raise BadRequest("The component id does not fit the callback.")
    return store_name(concrete_id(declared, spec.get("id"), WILDCARDS))


def _pairs(names: Any, data: Any) -> list[tuple[str, Any]]:
    if isinstance(names, str):
        return [(names, data)]
    if not isinstance(data, list) or len(data) != len(names):
        raise BadRequest("The values do not fit the component ids.")
    return list(zip(names, data, strict=True))


def _rebuild(names: Any, data: Any, values: list[Any]) -> Any:
    """Take the resolved values off the front of `values`, in the order `_pairs` asked for them."""
    return values.pop(0) if isinstance(names, str) else [values.pop(0) for _ in data]


def _outgoing(layer: Any, output: Any, value: Any, spec: Any) -> Any:
    if NoUpdate.is_no_update(value) or not _is_store(layer, output, "data", "clear_data"):
        return value
    send = layer.clear if _prop(output) == "clear_data" else layer.outgoing
    names = _names(output, spec)
    if isinstance(names, str):
        return send(names, value)
    if not isinstance(value, (list, tuple)) or len(value) != len(names):
        return value
    return [v if NoUpdate.is_no_update(v) else send(n, v) for n, v in zip(names, value, strict=True)]


def _replace_side_updates(layer: Any) -> None:
    """`set_props("my-store", {"data": …})` inside a callback writes the store as an Output would."""
    updated = getattr(context_value.get(), "updated_props", None) or {}
    for component_id, props in updated.items():
        known = json.loads(component_id) if component_id.startswith("{") else component_id
        for prop, send in (("data", layer.outgoing), ("clear_data", layer.clear)):
            if prop in props and layer.manages(known):
                props[prop] = send(store_name(known), props[prop])
