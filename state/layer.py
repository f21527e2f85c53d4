"""StateLayer: one Dash app and the stores of it that the server keeps."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dash
import flask
from dash.exceptions import CallbackException

from errors import AppError, BadRequest, StateError, StateExpired, StateMissing
from state.base import Backend
from state.callbacks import MAPPINGS
from state.change import Change
from state.cookie import CookieIdentity
from state.envelope import is_reference, plain, reference, store_name, unwrap
from state.manager import CACHE_BYTES, MISSING, StateManager, Store
from state.open import open_backend

log = logging.getLogger(__name__)
_latest: StateManager | None = None
SCAN_SECONDS = 2.0


class StateLayer:
    """Moves `dcc.Store`s of `app` to the server: its callbacks receive and return values, the browser holds references.

    Callbacks take part when they are declared with `state.callback`, or recorded with `state.Callbacks`.
    """

    def __init__(
        self,
        app: dash.Dash,
        backend: str | Backend = "database",
        *,
        database_url: str = "sqlite:///state.db",
        redis_url: str | None = None,
        ttl_default: float = 3600,
        stores: str | Mapping[str, Mapping[str, Any]] = "*",
        owner: Callable[[], str] | None = None,
        cache_bytes: int = CACHE_BYTES,
        user_isolation: bool = True,
    ) -> None:
        """`stores` names the managed stores, `{"table-store": {"mode": "server", "ttl": 7200}}`, or all with `"*"`.

        A pattern-matching store is named by its `type`. `owner` says whose request this is; without it every browser
        gets an identity of its own in a signed cookie. `ttl` in seconds.
        """
        opened = (
            open_backend(backend, database_url=database_url, redis_url=redis_url)
            if isinstance(backend, str)
            else backend
        )
        default_mode = "client" if opened.name == "client" else "server"
        specs = {} if stores == "*" else {name: _store(name, spec, default_mode) for name, spec in dict(stores).items()}  # type: ignore[arg-type]
        self.app = app
        self.manager = StateManager(opened, ttl_default, specs, cache_bytes, user_isolation)
        self._specs = specs
        self._all = stores == "*"
        self._default = Store(mode=default_mode)
        self._store_ids: list[Any] = []
        self._scan_after = 0.0
        self._managed: set[str] = set()
        extensions = app.server.extensions
        first = extensions.get("stateroom")
        self.owner = owner or (first.owner if first else CookieIdentity(app.server, opened).owner)
        extensions["stateroom"] = self
        extensions.setdefault("stateroom-layers", {})[id(app)] = self
        if owner is None and first is None:
            app.server.register_error_handler(AppError, _problem)
            app.server.register_error_handler(CallbackException, _misfit)
        _refuse_lost_mappings(app)
        global _latest
        _latest = self.manager

    def manages(self, component_id: Any, data: Any = None) -> bool:
        """Whether the `data` of this component is a managed store. A reference to it that came back proves it."""
        if not self._all:
            return _listed(component_id) in self._specs
        shape = str(component_id)
        if shape not in self._managed:
            known_now = any(_same_component(component_id, known) for known in self._stores_in_layout())
            if not known_now and not (isinstance(component_id, str) and is_reference(store_name(component_id), data)):
                return False
            self._managed.add(shape)
        return True

    def incoming(self, pairs: Sequence[tuple[str, Any]]) -> list[Any]:
        """The values for (store, what the browser sent). A browser that has nothing gets what the server has."""
        wanted = [name for name, data in pairs if self._is_on_server(name, data)]
        found = self.manager.read_many(list(dict.fromkeys(wanted))) if wanted else {}
        return [self._value(name, data, found) for name, data in pairs]

    def outgoing(self, name: str, value: Any) -> Any:
        """What the browser keeps for a value a callback returned."""
        in_browser = self._spec(name).mode == "client"
        if isinstance(value, Change):
            if not in_browser:
                return reference(name, self.manager.update(name, value.apply, ttl=self._spec(name).ttl).tag)
            value = value.apply(value.seen)
        if in_browser:
            return plain(name, value)
        return reference(name, self.manager.set_store_data(name, value, self._spec(name).ttl).tag)

    def clear(self, name: str, flag: Any) -> Any:
        """`clear_data` of a managed store: the server forgets it too."""
        if flag and self._spec(name).mode == "server":
            self.manager.delete(name)
        return flag

    def values(self, names: Sequence[str]) -> dict[str, Any]:
        """The stored values by store, None where there is none; for `state_managed_callback`."""
        found = self.manager.read_many(list(dict.fromkeys(names)))
        return {name: None if value is MISSING else value for name, value in found.items()}

    def _is_on_server(self, name: str, data: Any) -> bool:
        return is_reference(name, data) or (data is None and self._spec(name).mode == "server")

    def _value(self, name: str, data: Any, found: Mapping[str, Any]) -> Any:
        if name not in found or not self._is_on_server(name, data):
            return unwrap(name, data)
        if found[name] is not MISSING:
            return found[name]
        if data is None:
            return None
        raise _gone(self.manager, name)

    def _spec(self, name: str) -> Store:
        return self._specs.get(name) or self._specs.get(name.rpartition("--")[0]) or self._default

    def _stores_in_layout(self) -> list[Any]:
        """Looked for anew now and then: a layout may show a store to some visitors only."""
        if time.monotonic() >= self._scan_after:
            self._store_ids = list(_find_stores(self.app))
            self._scan_after = time.monotonic() + SCAN_SECONDS
        return self._store_ids


def get_state_manager() -> StateManager:
    """The StateManager of the current app; outside a request, that of the StateLayer made last."""
    if flask.has_app_context() and "stateroom" in flask.current_app.extensions:
        return flask.current_app.extensions["stateroom"].manager
    if _latest is None:
        raise StateError("There is no state manager yet: make a StateLayer(app) first.")
    return _latest


def get_store(store: str, default: Any = None) -> Any:
    """The current user's value of `store`, or `default`."""
    return get_state_manager().get_store_data(store, default)


def set_store(store: str, value: Any) -> Any:
    """Keep `value` for the current user; its Ref."""
    return get_state_manager().set_store_data(store, value)


def _gone(manager: StateManager, name: str) -> StateMissing:
    try:
        manager.get_ref(name)
    except StateMissing as error:
        return error
    return StateExpired(f"{name} has changed while it was read. Try again.", store=name)


def _store(name: str, spec: Mapping[str, Any], default_mode: str) -> Store:
    unknown = set(spec) - {"mode", "ttl"}
    mode = spec.get("mode", default_mode)
    if unknown or mode not in ("client", "server"):
        raise StateError(
            f"Store {name}: {', '.join(sorted(unknown)) or mode!r} is not known; give mode (client, server) and ttl."
        )
    return Store(mode if default_mode == "server" else "client", spec.get("ttl"))


def _listed(component_id: Any) -> Any:
    return component_id if isinstance(component_id, str) else component_id.get("type")


def _same_component(declared: Any, known: Any) -> bool:
    """Whether a declared id, maybe a pattern, can mean a known component."""
    if isinstance(declared, str) or isinstance(known, str):
        return declared == known
    fits = (
        not isinstance(value, (str, int, float, bool)) or known.get(part) == value for part, value in declared.items()
    )
    return declared.keys() == known.keys() and all(fits)


def _find_stores(app: dash.Dash) -> Iterator[Any]:
    """The ids of all `dcc.Store`s in the app's layout and in those of its pages."""
    layouts = [app.validation_layout, app.layout, *(page["layout"] for page in dash.page_registry.values())]
    for layout in layouts:
        try:
            tree = layout() if callable(layout) else layout
        except Exception:
            log.warning("A page's layout needs arguments; list its stores in StateLayer(stores=…).", exc_info=True)
            continue
        for part in tree if isinstance(tree, (list, tuple)) else [tree]:
            if not hasattr(part, "_traverse"):
                continue
            for component in [part, *part._traverse()]:
                if type(component).__name__ == "Store" and getattr(component, "id", None) is not None:
                    yield component.id


def _refuse_lost_mappings(app: dash.Dash) -> None:
    """Plain `dash.callback` has already bound the bare function: the stored values would silently never arrive."""
    registered = {**getattr(app, "callback_map", {}), **dash._callback.GLOBAL_CALLBACK_MAP}
    for entry in registered.values():
        func = getattr(entry.get("callback"), "__wrapped__", None)
        if func is not None and hasattr(func, MAPPINGS) and not hasattr(func, "__state_managed__"):
            raise StateError(
                f"{func.__name__} has @state_managed_callback on dash.callback; use state.callback instead."
            )


def _problem(error: AppError) -> tuple[flask.Response, int]:
    log.warning("%s: %s", error.type, error.detail)
    body = {"type": error.type, "title": error.title, "status": error.status, "detail": error.detail}
    response = flask.jsonify(body)
    response.content_type = "application/problem+json"
    return response, error.status


def _misfit(error: CallbackException) -> tuple[flask.Response, int]:
    """Dash's complaint about a body that does not fit the callback it names. Subclasses are the app's own faults."""
    if type(error) is not CallbackException:
        raise error
    return _problem(BadRequest("The request does not fit the callback it names."))


__all__ = ["StateLayer", "get_state_manager", "get_store", "set_store", "store_name"]
