"""The caller's own account: the display name. The user id is never sent."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from api.bodies import json_body
from state.sessions import current_name, rename

account = Blueprint("account", __name__, url_prefix="/api/v1/account")


@account.get("")
def show() -> Response:
    return jsonify(name=current_name())


@account.put("")
def change() -> Response:
    body = json_body()
    rename(body.get("name") if isinstance(body, dict) else None)
    return jsonify(name=current_name())
