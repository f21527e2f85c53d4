"""Friendly display names for people who gave none: "Amber Heron". A name says nothing about an id."""

from __future__ import annotations

import secrets
from typing import Any

from errors import Invalid

NAME_MAX = 60
COLOURS = (
    "Amber Azure Blue Bronze Cherry Cobalt Copper Coral Crimson Cyan Emerald Fern Fuchsia Golden Green Hazel Indigo "
    "Ivory Jade Lavender Lemon Lilac Lime Maroon Mint Ochre Olive Orange Pearl Pink Plum Purple Red Rose Ruby Russet "
    "Saffron Sage Sand Scarlet Sepia Silver Slate Teal Topaz Turquoise Umber Vanilla Violet White"
)
ANIMALS = (
    "Albatross Antelope Badger Bear Beaver Bison Bunting Cheetah Condor Crane Curlew Deer Dolphin Dormouse Eagle Egret "
    "Falcon Ferret Finch Fox Gazelle Gecko Goldfinch Hare Hedgehog Heron Ibex Ibis Jackdaw Jaguar Kestrel Kingfisher "
    "Koala Lark Lemur Leopard Lynx Magpie Marten Mole Moose Narwhal Newt Nightingale Ocelot Octopus Oriole Osprey "
    "Otter Owl Panda Panther Pelican Penguin Plover Puffin Quail Rabbit Raven Robin Salmon Seal Sparrow Squirrel "
    "Stork Swallow Swan Swift Tapir Thrush Tiger Toucan Turtle Vole Walrus Whale Wolf Wombat Wren Zebra"
)


def new_name() -> str:
    """A colour and an animal, drawn at random; two people may draw the same."""
    return f"{secrets.choice(COLOURS.split())} {secrets.choice(ANIMALS.split())}"


def checked_name(name: Any) -> str:
    """A display name: 1 to 60 printable characters, the outer spaces removed. It is text, and shown as text only."""
    found = name.strip() if isinstance(name, str) else ""
    if not 1 <= len(found) <= NAME_MAX or not found.isprintable():
        raise Invalid(f"A name has 1 to {NAME_MAX} printable characters.", field="name")
    return found
