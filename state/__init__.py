"""Stateroom's state layer: each user's `dcc.Store` values on the server. `docs/state.md` tells how to use it."""

from errors import (
    StateConflict,
    StateError,
    StateExpired,
    StateInBrowser,
    StateMissing,
    StateTooLarge,
    StateUnavailable,
    StateUnsupported,
)
from state.callbacks import Callbacks, callback, state_managed_callback
from state.change import Change
from state.layer import StateLayer, get_state_manager, get_store, set_store
from state.manager import MISSING, Ref, StateManager, Store
from state.open import open_backend

__all__ = [
    "MISSING",
    "Callbacks",
    "Change",
    "Ref",
    "StateConflict",
    "StateError",
    "StateExpired",
    "StateInBrowser",
    "StateLayer",
    "StateManager",
    "StateMissing",
    "StateTooLarge",
    "StateUnavailable",
    "StateUnsupported",
    "Store",
    "callback",
    "get_state_manager",
    "get_store",
    "open_backend",
    "set_store",
    "state_managed_callback",
]
