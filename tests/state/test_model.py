"""Every backend behaves like a dictionary: Hypothesis drives both and compares."""

import itertools

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from state.base import ABSENT, ANY, new_tag
from state.codec import Bytes
from state.keys import make_key

OWNERS = ("one", "one0", "two")
_numbers = itertools.count()


def machine(backend):
    class Model(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.run = f"m{next(_numbers)}"
            self.model = {}
            self.used = []

        def key(self, owner, store):
            return make_key(f"{self.run}{owner}", store)

        owners, stores = st.sampled_from(OWNERS), st.sampled_from("ab")
        bodies = st.one_of(st.binary(max_size=30), st.just(b"L" * 70_000))
        expectations = st.sampled_from(("any", "absent", "right", "old", "random"))

        def expected(self, kind, key):
            tags = {"any": ANY, "absent": ABSENT, "random": new_tag()}
            current = self.model.get(key, (None,))[0]
            if kind == "right":
                return current or new_tag()
            return self.used[0] if kind == "old" and self.used else tags.get(kind, ANY)

        def fits(self, expected, key):
            current = self.model.get(key, (None,))[0]
            return expected == ANY or (current is None if expected == ABSENT else current == expected)

        @rule(owner=owners, store=stores, body=bodies, kind=expectations)
        def put(self, owner, store, body, kind):
            key, tag = self.key(owner, store), new_tag()
            expected = self.expected(kind, key)
            answer = backend.put(key, tag, Bytes("bytes/1", body), 60_000, expected)
            assert answer.done == self.fits(expected, key)
            if answer.done:
                self.model[key] = (tag, body)
                self.used.append(tag)
            assert answer.current_tag == self.model.get(key, (None,))[0]

        @rule(owner=owners, store=stores, kind=expectations)
        def delete(self, owner, store, kind):
            key = self.key(owner, store)
            expected = self.expected(kind, key)
            answer = backend.delete(key, expected)
            assert answer.done == (key in self.model and self.fits(expected, key))
            if answer.done:
                del self.model[key]

        @rule(owner=owners, store=stores, kind=expectations)
        def touch(self, owner, store, kind):
            key = self.key(owner, store)
            tag = self.expected(kind, key)
            assert backend.touch(key, tag, 60_000) == (self.model.get(key, (None,))[0] == tag)

        @rule(owner=owners)
        def purge(self, owner):
            name = self.key(owner, "a").owner
            mine = [key for key in self.model if key.owner == name]
            assert backend.purge(name) == len(mine)
            for key in mine:
                del self.model[key]

        @rule()
        def sweep(self):
            backend.sweep()

        @invariant()
        def every_value_is_the_models(self):
            keys = [self.key(owner, store) for owner in OWNERS for store in "ab"]
            for key, head in zip(keys, backend.heads(keys), strict=True):
                assert (head.tag if head else None) == self.model.get(key, (None,))[0]
                if head:
                    assert bytes(backend.fetch(key)[1]) == self.model[key][1]

        @invariant()
        def every_list_is_the_models(self):
            for owner in OWNERS:
                name = self.key(owner, "a").owner
                assert [k for k, _ in backend.list(name)] == sorted(k for k in self.model if k.owner == name)

    return Model


@pytest.mark.parametrize("examples", [25])
def test_a_backend_is_a_dictionary(backend, examples):
    quick = settings(
        max_examples=examples, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine(backend), settings=quick)
