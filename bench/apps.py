"""One small app per contender: a store, and three callbacks that load, read and replace the table in it.

`gunicorn "bench.apps:create('stateroom-sqlite')"`; rows, folder and Redis come from the environment.
"""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dash
import flask
import pandas as pd
from dash import Input, Output, State, dcc, html
from dash_extensions.enrich import DashProxy, FileSystemBackend, RedisBackend, Serverside, ServersideOutputTransform
from flask_caching import Cache

from bench import table
from state import StateLayer
from state.callbacks import managed

ROWS = int(os.environ.get("BENCH_ROWS", "1000"))
FOLDER = Path(os.environ.get("BENCH_FOLDER", "."))
REDIS = os.environ.get("BENCH_REDIS", "")
LOAD = (Output("table-store", "data", allow_duplicate=True), Input("load", "n_clicks"))
READ = (Output("answer", "children"), Input("read", "n_clicks"), State("table-store", "data"))
REPLACE = (Output("table-store", "data"), Input("replace", "n_clicks"), State("table-store", "data"))
Wrap = Callable[[Any, tuple[Any, ...]], Any]
"""What a contender puts around a callback's function, given the callback's dependencies."""


def create(contender: str) -> flask.Flask:
    server = CONTENDERS[contender]().server
    FOLDER.with_suffix(f".{os.getpid()}").touch()  # tells that this worker is ready
    return server


def new_app(kind: type[dash.Dash] = dash.Dash, **options: Any) -> dash.Dash:
    """Without asynchronous callbacks, which dash[async] would switch on: the way to a callback is the same for all."""
    app = kind(__name__, use_async=False, enable_mcp=False, prevent_initial_callbacks=True, **options)
    buttons = [html.Button(name, id=name) for name in ("load", "read", "replace")]
    app.layout = html.Div([dcc.Store(id="table-store"), *buttons, html.Div(id="answer")])
    return app


def bind(app: dash.Dash, load: Any, read: Any, replace: Any, wrap: Wrap = lambda func, _: func) -> dash.Dash:
    for func, declared in ((load, LOAD), (read, READ), (replace, REPLACE)):
        app.callback(*declared)(wrap(func, declared))
    return app


def by_value(wrap: Wrap = lambda func, _: func, kept: Any = lambda frame: frame, app: Any = None) -> dash.Dash:
    """Callbacks that receive the table itself and return it through `kept`."""
    prepared = table.columns(ROWS)

    def load(clicks: int) -> Any:
        return kept(table.make(prepared, clicks))

    def read(_: int, frame: pd.DataFrame) -> str:
        return table.aggregate(frame)

    def replace(clicks: int, frame: pd.DataFrame) -> Any:
        return kept(table.replace(frame, clicks))

    return bind(app or new_app(), load, read, replace, wrap)


def global_table() -> dash.Dash:
    """The bound: one table of the process for everybody. Wrong with two users or two workers."""
    prepared, kept = table.columns(ROWS), {}

    def load(clicks: int) -> int:
        kept["table"] = table.make(prepared, clicks)
        return clicks

    def read(_: int, version: int) -> str:
        return table.aggregate(kept["table"])

    def replace(clicks: int, version: int) -> int:
        kept["table"] = table.replace(kept["table"], clicks)
        return clicks

    return bind(new_app(), load, read, replace)


def dcc_store() -> dash.Dash:
    """JSON as Dash's guide has it, to the browser and back with every call; floats are rounded to ten digits."""
    prepared = table.columns(ROWS)

    def to_json(frame: pd.DataFrame) -> str:
        return str(frame.to_json(date_format="iso", orient="split"))

    def from_json(text: str) -> pd.DataFrame:
        return pd.read_json(io.StringIO(text), orient="split")

    def load(clicks: int) -> str:
        return to_json(table.make(prepared, clicks))

    def read(_: int, text: str) -> str:
        return table.aggregate(from_json(text))

    def replace(clicks: int, text: str) -> str:
        return to_json(table.replace(from_json(text), clicks))

    return bind(new_app(), load, read, replace)


def caching_files() -> dash.Dash:
    """flask-caching: the table in a file per user; the store holds the user's key and a version."""
    prepared, app = table.columns(ROWS), new_app()
    cache = Cache(app.server, config={"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": str(FOLDER)})

    def load(clicks: int) -> Any:
        key = uuid.uuid4().hex
        cache.set(key, table.make(prepared, clicks))
        return {"key": key, "version": clicks}

    def read(_: int, held: Any) -> str:
        return table.aggregate(cache.get(held["key"]))

    def replace(clicks: int, held: Any) -> Any:
        cache.set(held["key"], table.replace(cache.get(held["key"]), clicks))
        return {"key": held["key"], "version": clicks}

    return bind(app, load, read, replace)


def extensions(backend: Any) -> dash.Dash:
    transform = ServersideOutputTransform(backends=[backend])
    return by_value(kept=Serverside, app=new_app(DashProxy, transforms=[transform]))


def extensions_redis() -> dash.Dash:
    host, port = REDIS.removeprefix("redis://").partition("/")[0].split(":")
    return extensions(RedisBackend(host=host, port=int(port), db=1))


def stateroom(backend: str) -> dash.Dash:
    app = by_value(wrap=lambda func, declared: managed(func, declared, {}))
    StateLayer(app, backend, database_url=f"sqlite:///{FOLDER / 'state.db'}", redis_url=REDIS)
    return app


CONTENDERS: dict[str, Callable[[], dash.Dash]] = {
    "global": global_table,
    "dcc-store": dcc_store,
    "caching-files": caching_files,
    "extensions-files": lambda: extensions(FileSystemBackend(str(FOLDER))),
    "extensions-redis": extensions_redis,
    "stateroom-sqlite": lambda: stateroom("database"),
    "stateroom-redis": lambda: stateroom("redis"),
    "stateroom-memory": lambda: stateroom("memory"),
}
ONE_PROCESS = {"global", "stateroom-memory"}
