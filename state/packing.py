"""JSON values and their neighbours as MessagePack, exactly: a tuple stays a tuple, NaN is not None, 1 is not True.

Plain JSON types are MessagePack's own; every other type is an extension whose code stands in `Code`.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import struct
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.msgpack import Ext

from errors import StateUnsupported

DEPTH = 200
PLAIN = {str, float, bool, type(None), bytes}
PLAIN_KEYS = {str, float, bool, type(None)}
Nested = Callable[[Any], tuple[str, bytes] | None]


class Code(enum.IntEnum):
    TUPLE = 1
    MAPPING = 2
    """A dictionary with keys that MessagePack has not: a list of pairs."""
    INTEGER = 3
    DATETIME = 4
    DATE = 5
    TIME = 6
    TIMEDELTA = 7
    DECIMAL = 8
    UUID = 9
    SET = 10
    FROZENSET = 11
    SCALAR = 12
    """A numpy scalar: dtype and raw bytes."""
    TIMESTAMP = 13
    PANDAS_TIMEDELTA = 14
    NAT = 15
    NA = 16
    COMPLEX = 17
    NESTED = 18
    """A table or an array: codec and body."""


_encoder = msgspec.msgpack.Encoder()


def pack(value: Any, nested: Nested | None = None) -> bytes:
    """`value` as MessagePack. Raises StateUnsupported naming the place of what cannot be kept exactly."""
    try:
        return _encoder.encode(_Packer(nested).pack(value, "value", 0))
    except UnicodeEncodeError as error:
        raise StateUnsupported("A text holds half of a surrogate pair, which no encoding keeps.") from error


def unpack(body: Any, decode: Callable[[str, Any], Any] | None = None) -> Any:
    """The value that was packed. `decode(codec, body)` restores nested tables and arrays."""
    return msgspec.msgpack.Decoder(ext_hook=lambda code, data: _restore(code, data, decode)).decode(body)


class _Packer:
    def __init__(self, nested: Nested | None) -> None:
        self._nested = nested

    def pack(self, value: Any, place: str, depth: int) -> Any:
        kind = type(value)
        if kind in PLAIN:
            return value
        if depth > DEPTH:
            raise StateUnsupported(f"{place[:80]}… is nested more than {DEPTH} deep.")
        if kind is int:
            return value if _is_short(value) else self._ext(Code.INTEGER, hex(value))
        if kind is dict:
            return self._dict(value, place, depth)
        if kind is list:
            return [
                self.pack(v, f"{place}[{i}]", depth + 1) if type(v) not in PLAIN else v for i, v in enumerate(value)
            ]
        if kind in SEQUENCES:
            return self._ext(SEQUENCES[kind], [self.pack(v, f"{place}[…]", depth + 1) for v in value])
        return self._scalar(value, kind, place)

    def _dict(self, value: dict[Any, Any], place: str, depth: int) -> Any:
        if all(type(k) in PLAIN_KEYS or (type(k) is int and _is_short(k)) for k in value):
            return {
                k: self.pack(v, f"{place}[{k!r}]", depth + 1) if type(v) not in PLAIN else v for k, v in value.items()
            }
        pairs = [
            [self.pack(k, f"{place} key {k!r}", depth + 1), self.pack(v, f"{place}[{k!r}]", depth + 1)]
            for k, v in value.items()
        ]
        return self._ext(Code.MAPPING, pairs)

    def _scalar(self, value: Any, kind: type, place: str) -> Ext:
        if kind in SCALARS:
            code, to_plain = SCALARS[kind]
            return self._ext(code, to_plain(value))
        library = kind.__module__.partition(".")[0]
        if library in {"numpy", "pandas"} and (packed := _pack_library_scalar(value, kind.__name__)) is not None:
            return self._ext(*packed)
        if self._nested is not None and (body := self._nested(value)) is not None:
            return self._ext(Code.NESTED, list(body))
        raise StateUnsupported(
            f"{place} is a {kind.__module__}.{kind.__qualname__}, which cannot be kept exactly. "
            "Keep plain values, tables or arrays (docs/state.md lists them)."
        )

    @staticmethod
    def _ext(code: Code, content: Any) -> Ext:
        return Ext(int(code), _encoder.encode(content))


def _is_short(number: int) -> bool:
    """MessagePack has the integers from -2^63 to 2^64 - 1."""
    return -(2**63) <= number < 2**64


def _zone(tz: dt.tzinfo | None) -> Any:
    if tz is None:
        return None
    if isinstance(tz, zoneinfo.ZoneInfo) and tz.key:
        return tz.key
    if type(tz) is dt.timezone:
        offset = tz.utcoffset(None)
        return [offset.days, offset.seconds, offset.microseconds, tz.tzname(None)]
    raise StateUnsupported(f"A time zone of type {type(tz).__name__} cannot be kept; use zoneinfo.")


def _tz(zone: Any) -> dt.tzinfo | None:
    if zone is None:
        return None
    if isinstance(zone, str):
        return zoneinfo.ZoneInfo(zone)
    *offset, name = zone
    plain = dt.timezone(dt.timedelta(*offset))
    return plain if plain.tzname(None) == name else dt.timezone(dt.timedelta(*offset), name)


def _pack_datetime(value: dt.datetime) -> Any:
    return [value.replace(tzinfo=None).isoformat(), _zone(value.tzinfo), value.fold]


def _pack_time(value: dt.time) -> Any:
    return [value.replace(tzinfo=None).isoformat(), _zone(value.tzinfo), value.fold]


def _pack_library_scalar(value: Any, name: str) -> tuple[Code, Any] | None:
    if name == "Timestamp":
        return Code.TIMESTAMP, [value._value, value.unit, _zone(value.tzinfo), value.fold]
    if name == "Timedelta":
        return Code.PANDAS_TIMEDELTA, [value._value, value.unit]
    if name == "NaTType":
        return Code.NAT, None
    if name == "NAType":
        return Code.NA, None
    dtype = getattr(value, "dtype", None)
    is_masked = type(value).__module__.startswith("numpy.ma")
    if dtype is None or getattr(value, "shape", None) != () or dtype.hasobject or dtype.names or is_masked:
        return None
    return Code.SCALAR, [_dtype_name(dtype), value.tobytes()]


def _dtype_name(dtype: Any) -> str:
    """NumPy's own spelling, with the unit of datetimes; StateUnsupported where it would not give the type back."""
    import numpy as np

    if np.dtype(dtype.str) != dtype:
        raise StateUnsupported(f"The numpy type {dtype} cannot be kept.")
    return str(dtype.str)


def _restore_scalar(content: Any) -> Any:
    import numpy as np

    dtype = np.dtype(content[0])
    return np.frombuffer(content[1], dtype)[0] if dtype.itemsize else np.zeros(1, dtype)[0]


def _restore_timestamp(content: Any) -> Any:
    import numpy as np
    import pandas as pd

    value, unit, zone, fold = content
    stamp = pd.Timestamp(np.datetime64(value, unit))
    stamp = stamp if zone is None else stamp.tz_localize("UTC").tz_convert(_tz(zone))
    return stamp.replace(fold=fold) if fold and zone is None else stamp


def _restore_pandas(name: str) -> Callable[[Any], Any]:
    def restore(content: Any) -> Any:
        import numpy as np
        import pandas as pd

        return pd.Timedelta(np.timedelta64(*content)) if name == "Timedelta" else getattr(pd, name)

    return restore


def _restore_datetime(content: Any) -> dt.datetime:
    return dt.datetime.fromisoformat(content[0]).replace(tzinfo=_tz(content[1]), fold=content[2])


def _restore_time(content: Any) -> dt.time:
    return dt.time.fromisoformat(content[0]).replace(tzinfo=_tz(content[1]), fold=content[2])


SEQUENCES: dict[type, Code] = {tuple: Code.TUPLE, set: Code.SET, frozenset: Code.FROZENSET}
SCALARS: dict[type, tuple[Code, Callable[[Any], Any]]] = {
    dt.datetime: (Code.DATETIME, _pack_datetime),
    dt.date: (Code.DATE, dt.date.isoformat),
    dt.time: (Code.TIME, _pack_time),
    dt.timedelta: (Code.TIMEDELTA, lambda v: [v.days, v.seconds, v.microseconds]),
    decimal.Decimal: (Code.DECIMAL, str),
    uuid.UUID: (Code.UUID, lambda v: v.bytes),
    complex: (Code.COMPLEX, lambda v: struct.pack("<dd", v.real, v.imag)),
}
RESTORE: dict[int, Callable[[Any], Any]] = {
    Code.TUPLE: tuple,
    Code.SET: set,
    Code.FROZENSET: frozenset,
    Code.MAPPING: dict,
    Code.INTEGER: lambda c: int(c, 16),
    Code.DATETIME: _restore_datetime,
    Code.DATE: dt.date.fromisoformat,
    Code.TIME: _restore_time,
    Code.TIMEDELTA: lambda c: dt.timedelta(*c),
    Code.DECIMAL: decimal.Decimal,
    Code.UUID: lambda c: uuid.UUID(bytes=c),
    Code.COMPLEX: lambda c: complex(*struct.unpack("<dd", c)),
    Code.SCALAR: _restore_scalar,
    Code.TIMESTAMP: _restore_timestamp,
    Code.PANDAS_TIMEDELTA: _restore_pandas("Timedelta"),
    Code.NAT: _restore_pandas("NaT"),
    Code.NA: _restore_pandas("NA"),
}


def _restore(code: int, data: memoryview, decode: Callable[[str, Any], Any] | None) -> Any:
    content = unpack(data, decode)
    if code == Code.NESTED and decode is not None:
        return decode(*content)
    if code not in RESTORE:
        raise StateUnsupported(f"This version cannot read the extension {code}.")
    return RESTORE[code](content)
