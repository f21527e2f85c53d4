"""pandas frames and Arrow tables, exactly and without a copy where the memory allows it.

A column goes to Arrow as the array it is: floats keep NaN (no null mask), dates travel as their integers,
categories as codes, object columns as packed values. What pandas needs to know stands in the schema's metadata.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as _pandas
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype

from errors import StateUnsupported
from state.packing import pack, unpack

pd: Any = _pandas  # pandas-stubs do not know the array types used here
META = b"stateroom"
MASKED = (pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray)


def to_arrow(value: Any) -> Any:
    """A DataFrame or Series as a pyarrow Table. Raises StateUnsupported naming the column that cannot be kept."""
    if type(value) not in (pd.DataFrame, pd.Series):
        raise StateUnsupported(f"A {type(value).__name__} is not a plain pandas table; convert it first.")
    is_series = isinstance(value, pd.Series)
    columns = [value] if is_series else [value.iloc[:, i] for i in range(value.shape[1])]
    arrays, specs = [], []
    for column in columns:
        array, spec = _column(column.array, f"column {column.name!r}")
        arrays.append(array)
        specs.append(spec)
    index, index_arrays = _index(value.index)
    meta = {
        "series": is_series,
        "name": value.name if is_series else None,
        "labels": None if is_series else _labels(value.columns),
        "columns": specs,
        "index": index,
        "attrs": value.attrs,
        "unique": not value.flags.allows_duplicate_labels,
    }
    names = [f"c{i}" for i in range(len(arrays))] + [f"i{i}" for i in range(len(index_arrays))]
    table = pa.Table.from_arrays(arrays + index_arrays, names=names)
    return table.replace_schema_metadata({META: pack(meta)})


def from_arrow(table: Any) -> Any:
    """The DataFrame or Series that `to_arrow` got; its arrays are views of the table's memory."""
    meta = unpack(table.schema.metadata[META])
    index = _restore_index(meta["index"], table)
    arrays = [_restore(table.column(f"c{i}"), spec) for i, spec in enumerate(meta["columns"])]
    arrays = [pd.Series(a, index, dtype=a.dtype, copy=False) if a.dtype == object else a for a in arrays]
    if meta["series"]:
        result: Any = pd.Series(arrays[0], index=index, name=meta["name"], dtype=arrays[0].dtype, copy=False)
    else:
        result = pd.DataFrame(dict(enumerate(arrays)), index=index, copy=False)
        result.columns = _restore_labels(meta["labels"])
    result.attrs = meta["attrs"]
    if meta["unique"]:
        result.flags.allows_duplicate_labels = False
    return result


def is_shareable(frame: Any) -> bool:
    """Whether readers may share the frame. Python objects, and times with a zone, can be changed in place by any."""
    kinds = [frame.dtype] if isinstance(frame, pd.Series) else frame.dtypes
    return not any(kind == "object" or isinstance(kind, pd.DatetimeTZDtype) for kind in kinds)


def metadata_bytes(table: Any) -> int:
    """What object cells, categories and labels weigh; they travel in the schema's metadata."""
    return len(table.schema.metadata[META])


def _column(array: Any, place: str) -> tuple[Any, dict[str, Any]]:
    """One pandas array as (Arrow array, spec)."""
    dtype = array.dtype
    if type(array) is pd.arrays.NumpyExtensionArray:
        return _plain(array.to_numpy(), place)
    if isinstance(dtype, pd.CategoricalDtype):
        spec, values = _index(dtype.categories)
        categories = [pack_array(v) for v in values]
        return pa.array(array.codes), {
            "kind": "category",
            "index": spec,
            "values": categories,
            "ordered": dtype.ordered,
        }
    if isinstance(dtype, pd.DatetimeTZDtype):
        zone = pd.Timestamp(0, tz=dtype.tz)
        return pa.array(array.asi8), {"kind": "zoned", "unit": dtype.unit, "zone": zone}
    if isinstance(dtype, ExtensionDtype):
        return _extension(array, dtype, place)
    return _plain(np.asarray(array), place)


def _plain(values: Any, place: str) -> tuple[Any, dict[str, Any]]:
    kind, spec = values.dtype.kind, {"kind": "plain", "dtype": values.dtype.str}
    if kind == "O":
        return pa.nulls(len(values)), {"kind": "object", "values": _packable(list(values), place)}
    if kind in "mM":
        return pa.array(values.view("i8")), spec
    if kind == "c":
        fixed = np.ascontiguousarray(values)
        width = values.dtype.itemsize
        return pa.Array.from_buffers(pa.binary(width), len(fixed), [None, pa.py_buffer(fixed)]), spec
    if kind in "iufb" and values.dtype.itemsize <= 8 and values.dtype.isnative:
        return pa.array(values, from_pandas=False), spec
    raise StateUnsupported(f"{place} has the type {values.dtype}, which cannot be kept exactly.")


def _packable(values: list[Any], place: str) -> list[Any]:
    try:
        pack(values)
    except StateUnsupported as error:
        raise StateUnsupported(f"{place}: {error.detail}") from error
    return values


def _extension(array: Any, dtype: Any, place: str) -> tuple[Any, dict[str, Any]]:
    if isinstance(dtype, pd.ArrowDtype):
        return pa.chunked_array(pa.array(array)), {"kind": "arrow"}
    if isinstance(dtype, pd.StringDtype):
        na = "nan" if dtype.na_value is np.nan else "NA"
        return pa.array(array, type=pa.large_string()), {"kind": "string", "storage": dtype.storage, "na": na}
    if isinstance(array, MASKED):
        mask = pa.array(np.asarray(array.isna()))
        data = pa.array(array.to_numpy(dtype.numpy_dtype, na_value=dtype.type(0)), from_pandas=False)
        return pa.StructArray.from_arrays([data, mask], ["data", "mask"]), {"kind": "masked", "dtype": dtype.name}
    if isinstance(dtype, pd.PeriodDtype):
        return pa.array(array.asi8), {"kind": "period", "dtype": dtype.name}
    raise StateUnsupported(f"{place} has the type {dtype}, which cannot be kept exactly.")


def _restore(column: Any, spec: dict[str, Any]) -> Any:
    kind = spec["kind"]
    if kind == "object":
        values = np.empty(len(spec["values"]), dtype=object)
        values[:] = spec["values"]
        return values
    if kind == "arrow":
        return pd.arrays.ArrowExtensionArray(column)
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) and array.num_chunks else array
    return RESTORE[kind](array, spec)  # type: ignore[no-untyped-call]


def _numpy(array: Any) -> Any:
    if len(array) == 0:
        return np.empty(0, array.type.to_pandas_dtype())
    return array.to_numpy(zero_copy_only=not pa.types.is_boolean(array.type))


def _restore_plain(array: Any, spec: dict[str, Any]) -> Any:
    dtype = np.dtype(spec["dtype"])
    if dtype.kind == "c":
        return np.frombuffer(array.buffers()[1], dtype, count=len(array), offset=array.offset * dtype.itemsize)
    values = _numpy(array)
    return values.view(dtype) if dtype.kind in "mM" else values.astype(dtype, copy=False)


def _restore_string(array: Any, spec: dict[str, Any]) -> Any:
    dtype = pd.StringDtype(spec["storage"], na_value=np.nan if spec["na"] == "nan" else pd.NA)
    return dtype.__from_arrow__(array)


def _restore_masked(array: Any, spec: dict[str, Any]) -> Any:
    dtype = pd.api.types.pandas_dtype(spec["dtype"])
    data, mask = (_numpy(array.field(name)) for name in ("data", "mask"))
    for part in (data, mask):
        part.flags.writeable = False
    return dtype.construct_array_type()(data, mask)


def _restore_category(array: Any, spec: dict[str, Any]) -> Any:
    categories = _restore_index(spec["index"], [unpack_array(body) for body in spec["values"]])
    return pd.Categorical.from_codes(_numpy(array), dtype=pd.CategoricalDtype(categories, spec["ordered"]))


def _restore_zoned(array: Any, spec: dict[str, Any]) -> Any:
    stamps = pd.DatetimeIndex(_numpy(array).view(f"M8[{spec['unit']}]"), copy=False)
    return stamps.tz_localize("UTC").tz_convert(spec["zone"].tz).array


RESTORE = {
    "plain": _restore_plain,
    "string": _restore_string,
    "masked": _restore_masked,
    "category": _restore_category,
    "zoned": _restore_zoned,
    "period": lambda array, spec: pd.arrays.PeriodArray(_numpy(array), dtype=pd.api.types.pandas_dtype(spec["dtype"])),
}


def pack_array(array: Any) -> bytes:
    """One Arrow array as bytes, for categories, which stand in the metadata."""
    sink = pa.BufferOutputStream()
    table = pa.Table.from_arrays([array], ["v"])
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def unpack_array(body: bytes) -> Any:
    return pa.ipc.open_stream(body).read_all().column("v")


def _index(index: Any) -> tuple[dict[str, Any], list[Any]]:
    """An Index as (spec, one Arrow array per level)."""
    if isinstance(index, pd.RangeIndex):
        return {"kind": "range", "of": [index.start, index.stop, index.step], "name": index.name}, []
    if isinstance(index, pd.MultiIndex):
        specs, arrays = [], []
        for i, level in enumerate(index.levels):
            spec, values = _index(level)
            specs.append({"spec": spec, "values": [pack_array(v) for v in values]})
            arrays.append(pa.array(index.codes[i]))
        return {"kind": "multi", "levels": specs, "names": list(index.names)}, arrays
    array, spec = _column(index.array, f"index {index.name!r}")
    freq = getattr(index, "freq", None)
    freq = _frequency(freq, index.name) if freq is not None and spec["kind"] != "period" else None
    return {"kind": "plain", "column": spec, "name": index.name, "freq": freq}, [array]


def _frequency(freq: Any, name: Any) -> str:
    try:
        kept = pd.tseries.frequencies.to_offset(freq.freqstr) == freq
    except ValueError:
        kept = False
    if not kept:
        raise StateUnsupported(
            f"index {name!r} has the frequency {freq!r}, which cannot be kept; set its freq to None."
        )
    return str(freq.freqstr)


def _restore_index(spec: dict[str, Any], source: Any) -> Any:
    """The Index of `spec`; `source` is the table, or the list of its Arrow arrays."""
    if spec["kind"] == "range":
        return pd.RangeIndex(*spec["of"], name=spec["name"])
    level = source.__getitem__ if isinstance(source, list) else lambda i: source.column(f"i{i}")
    if spec["kind"] == "multi":
        levels = [_restore_index(s["spec"], [unpack_array(b) for b in s["values"]]) for s in spec["levels"]]
        codes = [_numpy(level(i).combine_chunks()) for i in range(len(levels))]
        return pd.MultiIndex(levels=levels, codes=codes, names=spec["names"], verify_integrity=False)
    values = _restore(level(0), spec["column"])
    dtype = object if spec["column"]["kind"] == "object" else None
    index = pd.Index(values, name=spec["name"], dtype=dtype, copy=False)
    if spec["freq"]:
        index.freq = spec["freq"]
    return index


def _labels(columns: Any) -> dict[str, Any]:
    spec, arrays = _index(columns)
    return {"spec": spec, "values": [pack_array(a) for a in arrays]}


def _restore_labels(labels: dict[str, Any]) -> Any:
    return _restore_index(labels["spec"], [unpack_array(body) for body in labels["values"]])
