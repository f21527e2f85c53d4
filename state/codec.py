"""Values to bytes and back, exactly, without pickle. The codec is chosen by type and named in the head.

| codec      | for                                                                  | bytes                    |
|------------|----------------------------------------------------------------------|--------------------------|
| `value/1`  | JSON values, tuples, sets, dates, decimals, numpy scalars and so on  | MessagePack (`packing`)  |
| `bytes/1`  | bytes                                                                | themselves               |
| `npy/1`    | numpy arrays without objects                                         | NPY                      |
| `pandas/1` | DataFrame, Series                                                    | Arrow IPC (`frames`)     |
| `arrow/1`  | pyarrow Table                                                        | Arrow IPC                |
| `polars/1` | polars DataFrame                                                     | Arrow IPC                |

Arrow bodies are LZ4-compressed above COMPRESS_BYTES where they travel; in a file they stay plain, so that they can be
memory-mapped and read without a copy.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

from errors import StateUnsupported
from state.base import Body
from state.packing import pack, unpack

COMPRESS_BYTES = 64 * 1024
NPY_HEADER_MAX = 10_000_000


@dataclass(frozen=True)
class Bytes:
    """A value that already is bytes."""

    codec: str
    body: bytes

    @property
    def size(self) -> int:
        return len(self.body)

    def write(self, sink: BinaryIO) -> None:
        sink.write(self.body)

    def tobytes(self) -> bytes:
        return self.body


@dataclass(frozen=True)
class Streamed:
    """A value that writes itself; `size` is an estimate in bytes."""

    codec: str
    size: int
    writer: Callable[[BinaryIO, str | None], None]

    def write(self, sink: BinaryIO) -> None:
        self.writer(sink, None)

    def tobytes(self) -> Body:
        """Bytes, made once; above COMPRESS_BYTES a view of Arrow's buffer, which saves a copy of all of it."""
        return self._body

    @cached_property
    def _body(self) -> Body:
        import pyarrow as pa

        if self.size <= COMPRESS_BYTES:
            small = io.BytesIO()
            self.writer(small, None)
            return small.getvalue()
        large = pa.BufferOutputStream()
        self.writer(large, "lz4")
        return memoryview(large.getvalue())


def encode(value: Any) -> Bytes | Streamed:
    """Any supported value as bytes in waiting. Raises StateUnsupported, naming the place, for any other."""
    kind = type(value)
    if kind is bytes:
        return Bytes("bytes/1", value)
    library = kind.__module__.partition(".")[0]
    special = SPECIAL.get((library, kind.__name__))
    return special(value) if special else Bytes("value/1", pack(value, encode_nested))


def decode(codec: str, body: Body) -> Any:
    """The value; shares memory with `body` where the codec can. Raises StateUnsupported for an unknown codec."""
    if codec not in DECODERS:
        raise StateUnsupported(f"This version cannot read the codec {codec!r}.")
    return DECODERS[codec](body)


def lend(codec: str, value: Any, until_released: bool = True) -> Any:
    """What a caller may change without anyone else seeing it.

    A pandas view copies itself before it is written to for as long as the cached original is alive. Where nobody holds
    that (`until_released` is False) it is copied now.
    """
    if codec == "pandas/1":
        return value.copy(deep=not until_released)
    if codec == "polars/1":
        return value.clone()
    return value


def is_shareable(codec: str, value: Any) -> bool:
    """Whether one decoded value can serve all readers: it cannot be changed, or only after copying itself."""
    if codec == "pandas/1":
        from state import frames

        return frames.is_shareable(value)
    return codec in {"polars/1", "arrow/1", "bytes/1"}


def encode_nested(value: Any) -> tuple[str, bytes] | None:
    """Codec and bytes of a table or array inside a JSON value; None for any other type."""
    kind = type(value)
    special = SPECIAL.get((kind.__module__.partition(".")[0], kind.__name__))
    if special is None:
        return None
    encoded = special(value)
    return encoded.codec, bytes(encoded.tobytes())


def _encode_array(value: Any) -> Streamed:
    from numpy.lib import format as npy

    if value.dtype.hasobject:
        raise StateUnsupported(f"A numpy array of {value.dtype} holds Python objects; use a list.")

    def write(sink: BinaryIO, _compression: str | None) -> None:
        with warnings.catch_warnings():  # numpy says that field names outside latin-1 need its newest format: they do
            warnings.simplefilter("ignore", UserWarning)
            npy.write_array(sink, value, allow_pickle=False)

    return Streamed("npy/1", value.nbytes, write)


def _decode_array(body: Body) -> Any:
    import pyarrow as pa
    from numpy.lib import format as npy

    return npy.read_array(pa.BufferReader(pa.py_buffer(body)), allow_pickle=False, max_header_size=NPY_HEADER_MAX)


def _encode_frame(value: Any) -> Streamed:
    from state import frames

    table = frames.to_arrow(value)
    return Streamed("pandas/1", table.nbytes + frames.metadata_bytes(table), _arrow_writer(table))


def _decode_frame(body: Body) -> Any:
    from state import frames

    return frames.from_arrow(_decode_table(body))


def _encode_table(value: Any) -> Streamed:
    return Streamed("arrow/1", value.nbytes, _arrow_writer(value))


def _arrow_writer(table: Any) -> Callable[[BinaryIO, str | None], None]:
    import pyarrow as pa

    def write(sink: BinaryIO, compression: str | None) -> None:
        options = pa.ipc.IpcWriteOptions(compression=compression, unify_dictionaries=True)
        with pa.ipc.new_file(sink, table.schema, options=options) as writer:
            writer.write_table(table)

    return write


def _decode_table(body: Body) -> Any:
    import pyarrow as pa

    return pa.ipc.open_file(pa.py_buffer(body)).read_all()


def _encode_polars(value: Any) -> Streamed:
    if any(dtype.is_object() for dtype in value.dtypes if hasattr(dtype, "is_object")):
        raise StateUnsupported("A polars column of Python objects cannot be kept; cast it first.")

    def write(sink: BinaryIO, compression: str | None) -> None:
        value.write_ipc(sink, compression=compression or "uncompressed")

    return Streamed("polars/1", int(value.estimated_size()), write)


def _decode_polars(body: Body) -> Any:
    polars = sys.modules.get("polars") or __import__("polars")
    return polars.read_ipc(io.BytesIO(body))


SPECIAL: dict[tuple[str, str], Callable[[Any], Streamed]] = {
    ("numpy", "ndarray"): _encode_array,
    ("pandas", "DataFrame"): _encode_frame,
    ("pandas", "Series"): _encode_frame,
    ("pyarrow", "Table"): _encode_table,
    ("polars", "DataFrame"): _encode_polars,
}
DECODERS: dict[str, Callable[[Body], Any]] = {
    "value/1": lambda body: unpack(body, decode),
    "bytes/1": bytes,
    "npy/1": _decode_array,
    "pandas/1": _decode_frame,
    "arrow/1": _decode_table,
    "polars/1": _decode_polars,
}
