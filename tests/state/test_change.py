"""A callback may return a change instead of a value: callbacks that run at the same time then lose nothing."""

from __future__ import annotations

import threading

import dash
import pytest
from dash import dcc, html

from state import Change, StateLayer


@pytest.fixture
def layer() -> StateLayer:
    app = dash.Dash("test", use_async=False, enable_mcp=False)
    app.layout = html.Div(dcc.Store(id="list"))
    return StateLayer(app, "memory", owner=lambda: "user")


def test_changes_at_the_same_time_are_all_kept(layer: StateLayer) -> None:
    barrier = threading.Barrier(16)

    def add(n: int) -> None:
        barrier.wait()
        with layer.manager.user_context("user"):
            layer.outgoing("list", Change(lambda value: [*(value or []), n], seen=[]))

    threads = [threading.Thread(target=add, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with layer.manager.user_context("user"):
        assert sorted(layer.manager.get_store_data("list")) == list(range(16))


def test_a_store_in_the_browser_changes_from_what_was_seen() -> None:
    app = dash.Dash("test", use_async=False, enable_mcp=False)
    app.layout = html.Div(dcc.Store(id="list"))
    layer = StateLayer(app, "client", owner=lambda: "user")
    assert layer.outgoing("list", Change(lambda value: [*value, 2], seen=[1])) == [1, 2]
