"""Stateroom's composition root: puts the parts together, decides nothing.

`python app.py` prepares everything and serves; `gunicorn -c gunicorn.conf.py "app:create_server()"` does the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib
import logging
import pkgutil
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dash
import flask
from sqlalchemy.exc import OperationalError

import callbacks
import migrations
from api import problems, security
from api.account import account
from api.cohort import cohort
from api.health import health
from api.tables import tables
from domain.data.workbench import Workbench
from errors import AppError, SettingsError, StateUnavailable
from settings import Settings, load
from state import StateLayer, open_backend, sessions
from state.base import Backend
from ui import shell
from ui.ids import Stores

VERSIONS = re.compile(r'"\w+_version(?:_url)?":(?:"(?:[^"\\]|\\.)*"|null),')
FINGERPRINT = re.compile(r"\.v([0-9A-Za-z_-]+)m([0-9a-f]+)\.")
ROOT = Path(__file__).parent
BLUEPRINTS = (health, account, tables, cohort)
log = logging.getLogger(__name__)


def create_server(settings: Settings | None = None) -> flask.Flask:
    """The WSGI application; everything it opens, it opens here, in the process that serves."""
    return create_app(settings or load()).server


def create_app(settings: Settings) -> dash.Dash:
    """A whole Stateroom, independent of any other one in this process."""
    make_home(settings)
    server = flask.Flask("stateroom", root_path=str(ROOT), static_folder=None)
    server.secret_key = security.secret_key(settings)
    server.json.sort_keys = False  # rows keep the order of their columns
    backend = state_backend(settings)
    kept = server.extensions["stateroom-backend"] = session_backend(settings, backend)
    problems.install(server)
    security.install(server, settings.server)
    app = make_dash(server)
    security.install_pages(server, page_paths, lambda: app.callback_map, app.csp_hashes)
    sessions.install(server, kept, limits(settings))
    manage_stores(app, settings, backend)
    server.extensions["stateroom-data"] = workbench(settings)
    for blueprint in BLUEPRINTS:
        server.register_blueprint(blueprint)
    register_callbacks(app)
    if settings.server.debug:
        app.enable_dev_tools(debug=True, dev_tools_hot_reload=False, dev_tools_prune_errors=False)
    finish(server)
    return app


def make_dash(server: flask.Flask) -> dash.Dash:
    app = dash.Dash(
        "stateroom",
        server=server,
        use_pages=True,
        pages_folder=str(ROOT / "pages"),
        assets_folder=str(ROOT / "assets"),
        assets_path_ignore=["early", "vendor"],
        include_pages_meta=False,
        meta_tags=[{"name": "description", "content": shell.DESCRIPTION}],
        title=shell.TITLE,
        update_title=None,
        suppress_callback_exceptions=True,
        add_log_handler=False,
        enable_mcp=False,
        use_async=False,
    )
    app.index_string = shell.index_string(lambda path: asset(app, path))
    app.interpolate_index = without_versions(app.interpolate_index, str(server.secret_key))
    app.layout = shell.layout
    return app


def asset(app: dash.Dash, path: str) -> str:
    """The address of a file in `assets/`, with a fingerprint so that browsers may keep it for good."""
    return f"{app.get_asset_url(path)}?m={(ROOT / 'assets' / path).stat().st_mtime:.0f}"


def without_versions(interpolate: Callable[..., str], secret: str) -> Callable[..., str]:
    """Dash writes its own version and Python's into the page, also into its scripts' addresses: say neither."""

    def fingerprint(match: re.Match[str]) -> str:
        digest = hashlib.blake2b(match[1].encode(), key=secret.encode()[:64], digest_size=4).hexdigest()
        return f".v{digest}m{match[2]}."

    def interpolate_index(**parts: str) -> str:
        parts["config"] = VERSIONS.sub("", parts["config"])
        parts["scripts"] = FINGERPRINT.sub(fingerprint, parts["scripts"])
        return interpolate(**parts)

    return interpolate_index


def state_backend(settings: Settings, name: str = "") -> Backend:
    state, name = settings.state, name or settings.state.backend
    if name == "database":
        migrate(settings)
    return open_backend(
        name,
        database_url=settings.state_database_url,
        redis_url=state.redis_url,
        bodies_directory=state.bodies_directory or None,
        inline_bytes=state.inline_bytes,
        max_value_bytes=state.max_value_bytes,
        sync=state.sync,
        create=False,
    )


def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    with one_process(settings):
        try:
            migrations.upgrade(settings.state_database_url)
        except OperationalError as error:
            raise StateUnavailable("The database of STATE_DATABASE_URL does not answer.") from error


@contextlib.contextmanager
def one_process(settings: Settings) -> Iterator[None]:
    """Only one process that uses this home is inside the block."""
    with open(settings.home / ".preparing", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def session_backend(settings: Settings, backend: Backend) -> Backend:
    """Sessions live where state lives; in the database when state lives in the browser, where they cannot."""
    return state_backend(settings, "database") if backend.name == "client" else backend


def manage_stores(app: dash.Dash, settings: Settings, backend: Backend) -> StateLayer:
    """The stores that the frame makes are kept on the server, for the person who is calling."""
    return StateLayer(
        app,
        backend,
        ttl_default=settings.state.ttl_default,
        stores={store: {"ttl": settings.data.state_ttl_seconds} for store in Stores.ALL},
        owner=sessions.current_user_id,
        cache_bytes=settings.state.cache_bytes,
        user_isolation=settings.state.enable_user_isolation,
    )


def workbench(settings: Settings) -> Workbench:
    """Tables and cohorts. It reads and opens nothing before it is asked something."""
    data = settings.data
    return Workbench(
        settings.data_directory,
        settings.home,
        memory_limit=data.memory_limit,
        threads=data.threads,
        query_seconds=data.query_seconds,
        result_rows_max=data.result_rows_max,
        results_bytes=data.results_bytes,
    )


def limits(settings: Settings) -> sessions.Limits:
    return sessions.Limits(settings.sessions.idle_seconds, settings.sessions.absolute_seconds)


def page_paths() -> set[str]:
    return {page["path"].strip("/") for page in dash.page_registry.values()}


def register_callbacks(app: dash.Dash) -> None:
    """Bind what each `callbacks/<name>.py` recorded in its `page`."""
    for module in pkgutil.iter_modules(callbacks.__path__, "callbacks."):
        importlib.import_module(module.name).page.register(app)


def finish(server: flask.Flask) -> None:
    """Let Dash do now what it puts off to the first request, which may be several at once."""
    with server.test_request_context("/healthz"):
        server.preprocess_request()


def make_home(settings: Settings) -> None:
    """The folder where everything is kept, for its owner's eyes only. Raises SettingsError for what cannot work."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    security.check_settings(settings)


def prepare(settings: Settings) -> None:
    """Before a start, once: the newest schema, servers that answer, a study to look at."""
    make_home(settings)
    session_backend(settings, state_backend(settings)).close()
    provide_study(settings)


def provide_study(settings: Settings) -> None:
    """Write the demo study where no tables are. A folder that somebody named is theirs: it is only looked for."""
    directory = settings.data_directory
    if settings.data.directory:
        if not directory.is_dir():
            raise SettingsError(f"[data] directory names {directory}, and there is no such folder.")
        return
    with one_process(settings):
        if directory.is_dir() and any(directory.iterdir()):
            return
        from domain.data.demo import write_demo_study

        with tempfile.TemporaryDirectory(dir=settings.home) as draft:
            write_demo_study(Path(draft) / "study")
            (Path(draft) / "study").rename(directory)


def start_log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)


def gunicorn_options(settings: Settings) -> dict[str, Any]:
    """How gunicorn serves us. Nothing is opened before its workers are forked."""

    def announce(worker: Any) -> None:
        if worker.age == 1:
            sys.stdout.write(f"Stateroom is ready: http://{settings.server.host}:{settings.server.port}\n")
            sys.stdout.flush()

    return {
        "bind": f"{settings.server.host}:{settings.server.port}",
        "workers": settings.server.workers,
        "threads": settings.server.threads,
        "worker_class": "gthread",
        "timeout": 60,
        "graceful_timeout": 25,
        "keepalive": 15,
        "loglevel": "warning",
        "control_socket_disable": True,
        "preload_app": False,
        "post_worker_init": announce,
    }


def serve(settings: Settings) -> None:
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):
        def load_config(self) -> None:
            for name, value in gunicorn_options(settings).items():
                self.cfg.set(name, value)

        def load(self) -> flask.Flask:
            return create_server(settings)

    Server().run()


def main() -> int:
    start_log()
    try:
        settings = load()
        prepare(settings)
    except AppError as error:
        sys.stderr.write(f"Stateroom cannot start. {error.detail}\n")
        return 2
    serve(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
