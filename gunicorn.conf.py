"""For `gunicorn -c gunicorn.conf.py "app:create_server()"`; every value comes from the settings."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import app
from errors import AppError
from settings import load

app.start_log()
try:
    settings = load()
    app.prepare(settings)
except AppError as error:
    sys.stderr.write(f"Stateroom cannot start. {error.detail}\n")
    sys.exit(2)
globals().update(app.gunicorn_options(settings))
