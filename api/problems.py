"""Errors as answers: RFC 9457 for programs, a short page for a browser's address bar. The log has the rest.

Every answer carries an `error_id` that stands in the log with the traceback; the answer itself never shows one.
"""

from __future__ import annotations

import logging
import secrets
from typing import Any

from dash.exceptions import CallbackException, DependencyException, InvalidResourceError
from flask import Flask, Response, jsonify, render_template_string, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from errors import AppError, BadRequest, NotFound

log = logging.getLogger(__name__)

RETRY_SECONDS = 2
GENERIC = "Something went wrong on our side. Try again; if it stays, tell us the number below."
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} · Stateroom</title>
<link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
<script src="/assets/early/theme.js"></script>
<link rel="stylesheet" href="/assets/vendor/bootstrap.min.css"><link rel="stylesheet" href="/assets/stateroom.css">
</head>
<body>
<main class="container problem-page">
<p class="problem-status">{{ status }}</p>
<h1>{{ title }}</h1>
<p class="lead">{{ detail }}</p>
<p><a class="btn btn-primary" href="/">Go to the start page</a></p>
<p class="text-body-secondary small">Number of this error: <code>{{ error_id }}</code></p>
</main>
</body>
</html>
"""


def install(server: Flask) -> None:
    """Turn every error of this server into one kind of answer, those raised in Dash callbacks included."""
    server.config["PROPAGATE_EXCEPTIONS"] = False
    server.register_error_handler(Exception, answer)
    server.register_error_handler(InvalidResourceError, _no_such_resource)


def answer(error: Exception) -> ResponseReturnValue:
    """The answer to an error, and its line in the log."""
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        error = _cause(error.original_exception)
    if isinstance(error, HTTPException) and (error.code is None or error.code < 400):
        return error.get_response()
    problem = describe(_cause(error))
    problem["error_id"] = secrets.token_hex(8)
    _log(error, problem)
    response = _page(problem) if wants_page() else _json(problem)
    response.status_code = problem["status"]
    if problem["status"] == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def describe(error: Exception) -> dict[str, Any]:
    """What may be said of an error: our own words for our own errors, generic ones for the rest."""
    if isinstance(error, AppError):
        own = {"type": error.type, "title": error.title, "status": error.status, "detail": error.detail}
        return {**error.fields, **own}
    if isinstance(error, HTTPException) and error.code:
        name = error.name.lower().replace(" ", "-")
        return {"type": name, "title": error.name, "status": error.code, "detail": error.description or error.name}
    return {"type": "internal", "title": "Something went wrong", "status": 500, "detail": GENERIC}


def wants_page() -> bool:
    """Whether a person typed the address or followed a link, and reads what comes back."""
    accept = request.accept_mimetypes
    return request.method in {"GET", "HEAD"} and accept["text/html"] > max(accept["application/json"], 0.5)


def _cause(error: BaseException) -> Exception:
    if isinstance(error, DependencyException | InvalidResourceError):
        return NotFound("There is no such file.")
    if type(error) is CallbackException:  # the body does not fit the callback it names; its subclasses are our faults
        return BadRequest("The request does not fit the callback it names.")
    return error if isinstance(error, Exception) else RuntimeError(type(error).__name__)


def _no_such_resource(error: InvalidResourceError) -> ResponseReturnValue:
    return answer(error)


def _log(error: Exception, problem: dict[str, Any]) -> None:
    line = "error %s: %s %s answered %s %s"
    values = (problem["error_id"], request.method, request.path, problem["status"], problem["type"])
    if isinstance(error, AppError):
        level = logging.WARNING if error.status >= 500 else logging.INFO
        log.log(level, line + ": %s", *values, error.detail)
    elif problem["status"] >= 500:
        log.error(line, *values, exc_info=error)
    else:
        log.info(line + ": %s", *values, error)


def _json(problem: dict[str, Any]) -> Response:
    response = jsonify(problem)
    response.mimetype = "application/problem+json"
    return response


def _page(problem: dict[str, Any]) -> Response:
    return Response(render_template_string(PAGE, **problem), mimetype="text/html")
