"""Two gunicorn workers on each shared backend: every user their own state, also after a restart."""

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.http.test_serving import GUNICORN, fetch, served

USERS, ROUNDS = 6, 8


@pytest.fixture(params=["sqlite", "postgres", "redis", "redis-and-another-host"])
def environment(request):
    """The settings of one deployment, and of a second host that shares it (None: there is one host)."""
    kind, other = request.param, None
    if kind == "sqlite":
        variables = {"STATE_BACKEND": "database"}
    elif kind == "postgres":
        variables = {"STATE_BACKEND": "database", "STATE_DATABASE_URL": request.getfixturevalue("postgres_url")}
    else:
        variables = {"STATE_BACKEND": "redis", "STATE_REDIS_URL": request.getfixturevalue("redis_url")}
        other = variables if kind == "redis-and-another-host" else None
    return {**variables, "STATEROOM_SERVER_WORKERS": "2", "SECRET_KEY": "k" * 40}, other


def call(address, path, cookie, method="GET", body=None):
    headers = {"Cookie": cookie, "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def recipe(user, number):
    low = 20 + user
    ages = {"table": "participants", "column": "age", "op": "between", "value": [low, low + 10 + number]}
    return {
        "tables": ["participants"],
        "base": "participants",
        "keys": {"subject": "participant_id"},
        "filters": [ages],
    }


def use(addresses, user, cookie):
    """One user's work: what is written is what is read, whichever worker of whichever host answers."""
    for number in range(ROUNDS):
        address, other = addresses[number % len(addresses)], addresses[(number + 1) % len(addresses)]
        call(address, "/api/v1/cohort", cookie, "PUT", recipe(user, number))
        seen = call(other, "/api/v1/cohort", cookie)
        assert seen["filters"] == recipe(user, number)["filters"]
    return call(address, "/api/v1/cohort/count", cookie)["participants"]


def test_workers_and_hosts_share_each_users_state_and_no_other(environment, tmp_path):
    variables, other = environment
    with served(GUNICORN, tmp_path / "one", **variables) as (_, address):
        cookies = [fetch(f"{address}/")[1] for _ in range(USERS)]
        if other is None:
            found = run_users([address], cookies)
        else:
            with served(GUNICORN, tmp_path / "two", **variables) as (_, second):
                found = run_users([address, second], cookies)
    assert all(count > 0 for count in found)
    with served(GUNICORN, tmp_path / "one", **variables) as (_, address):
        for user, cookie in enumerate(cookies):
            assert call(address, "/api/v1/cohort", cookie)["filters"] == recipe(user, ROUNDS - 1)["filters"]
            assert call(address, "/api/v1/cohort/count", cookie)["participants"] == found[user]


def run_users(addresses, cookies):
    with ThreadPoolExecutor(USERS) as pool:
        return list(pool.map(lambda pair: use(addresses, *pair), enumerate(cookies)))
