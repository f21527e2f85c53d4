"""What a session holds, as bytes under a key: identity and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from state.base import Body
from state.keys import Key, make_key

CODEC = "session"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a session may hold. `created` is seconds since 1970."""

    user_id: str
    name: str
    rights: tuple[str, ...]
    created: float


@dataclass(frozen=True, slots=True)
class Packed:
    """A record as bytes, in the form a backend takes."""

    data: bytes
    codec: str = CODEC

    @property
    def size(self) -> int:
        return len(self.data)

    def write(self, sink: BinaryIO) -> None:
        sink.write(self.data)

    def tobytes(self) -> bytes:
        return self.data


def session_key(sid: str) -> Key:
    """Where the session of this id is kept. The id itself is not: whoever reads the store cannot use what is there."""
    return make_key("session-" + hashlib.sha256(sid.encode()).hexdigest(), "identity", "session")


def pack(values: dict[str, Any]) -> Packed:
    """The session as bytes. Raises TypeError or ValidationError for anything that is not identity."""
    return Packed(msgspec.msgpack.encode(msgspec.convert(values, Record)))


def unpack(codec: str, body: Body) -> Record | None:
    """The record in these bytes; None for anything else."""
    try:
        return msgspec.msgpack.decode(body, type=Record) if codec == CODEC else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
