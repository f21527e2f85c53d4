"""What a callback's requests look like, by its declaration: which components, which properties, one or several.

Dash takes for granted that a request fits the callback it names. What does not is refused before Dash sees it;
the values themselves are for the callback to judge.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from errors import BadRequest, NotFound

SEVERAL = (["ALL"], ["ALLSMALLER"])
LOCATION = "_pages_location"
"""The component whose values Dash itself uses, without a look at them."""


@dataclass(frozen=True, slots=True)
class Part:
    """An input, a state or an output. In `component`, an id with a pattern, what may be anything is a list."""

    component: str | dict[str, Any]
    prop: str
    several: bool

    def fits(self, item: Any) -> bool:
        if self.several:
            return isinstance(item, list) and all(self.fits_one(one) for one in item)
        return self.fits_one(item)

    def fits_one(self, item: Any) -> bool:
        if not isinstance(item, dict):
            return False
        prop = item.get("property")
        return isinstance(prop, str) and prop.partition("@")[0] == self.prop and self._is_id(item.get("id"))

    def _is_id(self, found: Any) -> bool:
        if isinstance(self.component, str) or not isinstance(found, dict):
            return bool(found == self.component)
        return found.keys() == self.component.keys() and all(
            isinstance(found[name], str | int | float) if isinstance(value, list) else found[name] == value
            for name, value in self.component.items()
        )


@dataclass(frozen=True, slots=True)
class Signature:
    """`outputs` is one part, or a list where the callback returns several values; None where it returns none."""

    inputs: list[Part]
    states: list[Part]
    outputs: Part | list[Part] | None

    def check(self, body: Mapping[str, Any]) -> None:
        """Raises BadRequest for a request that does not fit."""
        if not fit(self.inputs, body["inputs"]):
            raise BadRequest("The inputs do not fit the callback.")
        if not fit(self.states, body.get("state", [])):
            raise BadRequest("The states do not fit the callback.")
        if not self._returns(body.get("outputs")):
            raise BadRequest("The outputs do not fit the callback.")
        changed = body.get("changedPropIds", [])
        if not isinstance(changed, list) or not all(self._has_input(name) for name in changed):
            raise BadRequest("What changed is no input of the callback.")
        for part, item in zip(self.inputs, body["inputs"], strict=True):
            if part.component == LOCATION:
                check_address(part.prop, item.get("value"))

    def _returns(self, items: Any) -> bool:
        if isinstance(self.outputs, Part):
            return self.outputs.fits(items)
        return self.outputs is None or fit(self.outputs, items)

    def _has_input(self, name: Any) -> bool:
        """Whether `name`, as in `component.property`, is an input."""
        if not isinstance(name, str):
            return False
        component, _, prop = name.rpartition(".")
        item = {"id": component_id(component), "property": prop}
        return any(part.fits_one(item) for part in self.inputs)


class Signatures:
    """Those of one app's callbacks, each made when it is first needed."""

    def __init__(self, callbacks: Callable[[], Mapping[str, Any]]) -> None:
        """`callbacks` by output, as Dash keeps them; some come with the first request."""
        self._callbacks = callbacks
        self._known: dict[str, Signature] = {}

    def check(self, body: Any) -> None:
        """Raises BadRequest or NotFound for what is not a request of one of the callbacks."""
        if not isinstance(body, dict) or not isinstance(body.get("inputs"), list):
            raise BadRequest("This is not a callback request.")
        self._of(body.get("output")).check(body)

    def _of(self, output: Any) -> Signature:
        declared = self._callbacks().get(output) if isinstance(output, str) else None
        if declared is None or "callback" not in declared:  # those without run in the browser
            raise NotFound("There is no such callback.")
        if output not in self._known:
            self._known[output] = signature(declared)
        return self._known[output]


def signature(declared: Mapping[str, Any]) -> Signature:
    """From what Dash keeps of a callback."""
    inputs, states = ([part(item["id"], item["property"]) for item in declared[kind]] for kind in ("inputs", "state"))
    if declared.get("no_output"):
        return Signature(inputs, states, None)
    output = declared["output"]
    several = isinstance(output, list | tuple)
    outputs = [part(one.component_id_str(), one.component_property) for one in (output if several else [output])]
    return Signature(inputs, states, outputs if several else outputs[0])


def part(component: str, prop: str) -> Part:
    found = component_id(component)
    several = isinstance(found, dict) and any(value in SEVERAL for value in found.values())
    return Part(found, prop.partition("@")[0], several)


def component_id(text: str) -> Any:
    """An id as it is declared or named in a text: itself, or an object when it has a pattern. None: neither."""
    if not text.startswith("{"):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def fit(parts: list[Part], items: Any) -> bool:
    return (
        isinstance(items, list)
        and len(items) == len(parts)
        and all(part.fits(item) for part, item in zip(parts, items, strict=True))
    )


def check_address(prop: str, value: Any) -> None:
    """The path and the query of a page, as the address bar has them."""
    if value is None:
        return
    if not isinstance(value, str) or (prop == "pathname" and not value.startswith("/")):
        raise BadRequest("The address of a page begins with /.")
