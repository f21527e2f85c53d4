"""Values come back exactly: type, dtype, index, categories, zones, NaN against None."""

import datetime as dt
import decimal
import math
import pickle
import uuid
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from errors import StateUnsupported
from state.codec import decode, encode, lend

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def round_trip(value):
    encoded = encode(value)
    return decode(encoded.codec, encoded.tobytes())


SCALARS = [
    None, True, 1, 1.0, -0.0, math.inf, "x", "", "\ud7ff\0", b"\0x", 2**63 - 1, 2**64 - 1, 2**64, -(2**63), -(2**200),
    (1, (2,)), {1, 2}, frozenset({"a"}), 1 + 2j, decimal.Decimal("1.10"), uuid.UUID(int=5),
    dt.date(2024, 2, 29), dt.time(1, 2, 3, 4), dt.timedelta(-1, 3, 7), dt.datetime(2024, 1, 1, 2, 3, 4, 5),
    dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN),
    dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
    np.int64(4), np.uint8(255), np.float32(1.5), np.bool_(True), np.datetime64("2024-01-01T00:00", "m"), np.str_("ä"),
    pd.Timestamp("2024-01-01 00:00:00.123456789"), pd.Timestamp("2024-07-27 02:30", tz=BERLIN), pd.Timedelta("1D"),
]  # fmt: skip


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_a_scalar_comes_back_as_it_was(value):
    for back, was in ((round_trip(value), value), (round_trip({"in": [value]})["in"][0], value)):
        assert back == was
        assert type(back) is type(was)


def test_a_zone_and_a_fold_come_back():
    back = round_trip(dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN))
    assert (back.tzinfo, back.fold) == (BERLIN, 1)


def test_nan_nat_na_and_none_stay_apart():
    nan, nat, na, none = round_trip([math.nan, pd.NaT, pd.NA, None])
    assert math.isnan(nan)
    assert nat is pd.NaT
    assert na is pd.NA
    assert none is None


def test_keys_of_any_kind_come_back():
    value = {1: "int", "1": "text", None: 0, (1, "a"): 2, dt.date(2024, 1, 1): 3, np.int64(7): 4}
    assert round_trip(value) == value
    assert [type(key) for key in round_trip(value)] == [type(key) for key in value]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=30,
)


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_any_json_value_and_tuple_comes_back(value):
    assert same(round_trip(value), value)


def wide_frame(n=6):
    stamps = pd.date_range("2024-03-30 22:00", periods=n, freq="h")
    return pd.DataFrame(
        {
            "float": [1, np.nan, -0.0, 4, 5.5, np.inf],
            "int": range(n),
            "bool": [True, False] * 3,
            "text": ["a", None, "c", "", "ä", "f"],
            "object": pd.Series([1, "a", None, math.nan, (1, 2), dt.date(2024, 1, 1)], dtype=object),
            "category": pd.Categorical(["x", "y", None, "x", "y", "x"], categories=["y", "x", "z"], ordered=True),
            "numbers": pd.Categorical([3, 1, 3, 1, 2, 2]),
            "day": stamps,
            "zoned": stamps.tz_localize("UTC").tz_convert("Europe/Berlin"),
            "seconds": pd.to_datetime(["2024-01-01", None] * 3).astype("M8[s]"),
            "delta": pd.to_timedelta(range(n), unit="s"),
            "Int64": pd.array([1, None, 3, 4, 5, 6], dtype="Int64"),
            "UInt8": pd.array([1, None, 3, 4, 5, 255], dtype="UInt8"),
            "boolean": pd.array([True, None, True, True, False, None], dtype="boolean"),
            "Float64": pd.array([1.5, None, 3, 4, 5, 6], dtype="Float64"),
            "string": pd.array(["a", None, "c", "", "e", "f"], dtype="string"),
            "python_string": pd.array(["a", None, "c", "", "e", "f"], dtype=pd.StringDtype("python")),
            "period": pd.period_range("2024-01", periods=n, freq="M"),
            "arrow": pd.array([1, None, 2, 3, 4, 5], dtype=pd.ArrowDtype(pa.int32())),
            "complex": np.arange(n) * 1j,
            "half": np.arange(n, dtype="f2"),
            "byte": np.arange(n, dtype="u1"),
        }
    )


FRAMES = {
    "all types": wide_frame(),
    "no rows": wide_frame().iloc[:0],
    "no columns": wide_frame()[[]],
    "nothing": pd.DataFrame(),
    "every second row": wide_frame().iloc[::2],
    "range index": wide_frame().set_index(pd.RangeIndex(10, 40, 5, name="r")),
    "datetime index with a frequency": wide_frame().set_index(pd.date_range("2024", periods=6, freq="D", name="d")),
    "zoned index": wide_frame().set_index("zoned"),
    "text index": wide_frame().set_index("text"),
    "category index": wide_frame().set_index("category"),
    "mixed index": wide_frame().set_index("object"),
    "period index": wide_frame().set_index("period"),
    "two index levels": wide_frame().set_index(["category", "int"]),
    "integer labels": pd.DataFrame(np.arange(6).reshape(2, 3)),
    "mixed labels": pd.DataFrame([[1, 2, 3]], columns=[1, "a", (2, 3)]),
    "two label levels": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", 0])),
    "labels twice": pd.DataFrame([[1, "b"]], columns=["a", "a"]),
    "attributes": pd.DataFrame({"a": [1]}).pipe(lambda df: df.attrs.update(source="x", n=1) or df),
}  # fmt: skip


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_back_as_it_was(name):
    was, back = FRAMES[name], round_trip(FRAMES[name])
    assert_frame_equal(back, was, check_freq=True, check_flags=True)
    assert list(back.dtypes) == list(was.dtypes)
    assert (type(back.index), back.index.dtype, back.columns.dtype) == (
        type(was.index),
        was.index.dtype,
        was.columns.dtype,
    )
    assert [type(label) for label in back.columns] == [type(label) for label in was.columns]
    assert back.attrs == was.attrs


def test_nan_and_none_in_an_object_column_stay_apart():
    back = round_trip(wide_frame())["object"]
    assert back[2] is None
    assert math.isnan(back[3])


def test_a_series_comes_back():
    was = pd.Series([1.5, np.nan], index=["a", "b"], name=("x", 1))
    assert_series_equal(round_trip(was), was)


def test_a_cached_frame_is_lent_and_never_changed():
    encoded = encode(wide_frame())
    cached = decode(encoded.codec, encoded.tobytes())
    lent = lend(encoded.codec, cached)
    lent.loc[0, "float"] = 99.0
    lent["int"] = 0
    assert_frame_equal(cached, wide_frame())


def test_polars_and_arrow_tables_come_back():
    polars = pl.DataFrame(
        {
            "a": [1, None],
            "c": pl.Series(["x", "y"], dtype=pl.Categorical),
            "l": [[1], [2, 3]],
            "t": [dt.date(2024, 1, 1)] * 2,
        }
    )
    assert round_trip(polars).equals(polars)
    assert round_trip(polars).schema == polars.schema
    arrow = pa.table({"a": [1, None], "d": pa.array(["x", "y"]).dictionary_encode()}).replace_schema_metadata(
        {"k": "v"}
    )
    assert round_trip(arrow).equals(arrow, check_metadata=True)


ARRAYS = [
    np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)), np.array(5), np.array([]),
    np.array(["a", "bb"]), np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), np.array(["2024", "NaT"], "M8[D]"),
    np.zeros((0, 3)), np.array([np.nan, 1], dtype=">f4"), np.array([True, False]),
]  # fmt: skip


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
def test_an_array_comes_back(array):
    back = round_trip(array)
    assert (back.dtype, back.shape, back.flags.f_contiguous) == (array.dtype, array.shape, array.flags.f_contiguous)
    np.testing.assert_array_equal(back, array)


def test_a_table_inside_a_dictionary_comes_back():
    back = round_trip({"frame": wide_frame(), "arrays": [np.arange(3)], "arrow": pa.table({"a": [1]})})
    assert_frame_equal(back["frame"], wide_frame())
    np.testing.assert_array_equal(back["arrays"][0], np.arange(3))


class Custom:
    pass


class Frame(pd.DataFrame):
    pass


class OwnZone(dt.tzinfo):
    pass


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [1, {"b": Custom()}]}, r"value\['a'\]\[1\]\['b'\] is a .*Custom"),
        (pd.DataFrame({"a": [Custom()]}), "column 'a'"),
        (np.array([Custom()]), "numpy array of object"),
        (pd.DataFrame({"s": pd.arrays.SparseArray([0, 1])}), "column 's'"),
        (Frame({"a": [1]}), "Frame"),
        (len, "builtin"),
        ("\ud800", "surrogate"),
        (dt.datetime(2024, 1, 1, tzinfo=OwnZone()), "time zone"),
    ],
    ids=["nested object", "column", "array", "sparse", "subclass", "function", "surrogate", "zone"],
)
def test_what_cannot_be_kept_exactly_is_refused_and_named(value, place):
    with pytest.raises(StateUnsupported, match=place):
        encode(value).tobytes()


def test_too_deep_a_value_is_refused():
    value: list = []
    for _ in range(5000):
        value = [value]
    with pytest.raises(StateUnsupported, match="deep"):
        encode(value)


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code ran')",))


@pytest.mark.parametrize("codec", ["value/1", "npy/1", "pandas/1", "arrow/1", "polars/1"])
def test_a_planted_pickle_runs_no_code(codec):
    with pytest.raises(Exception) as caught:
        decode(codec, pickle.dumps(Bomb()))
    assert not isinstance(caught.value, SystemExit)


def test_an_unknown_codec_is_refused():
    with pytest.raises(StateUnsupported, match="codec"):
        decode("pickle/1", b"")


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["x", None], dtype=object),
        pd.Series([pd.Timestamp("2024-01-01"), None], dtype=object),
        pd.Series([pd.Timedelta("1D"), None], dtype=object),
        pd.Series([None, None], dtype=object),
    ],
    ids=["text", "timestamps", "timedeltas", "nothing"],
)
def test_an_object_column_stays_one(column):
    for back in (round_trip(column), round_trip(pd.DataFrame({"a": column}))["a"]):
        assert back.dtype == object
        assert back[1] is None
        assert type(back[0]) is type(column[0])


def test_the_small_print_of_a_frame_comes_back_or_is_refused():
    frame = pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False)
    assert round_trip(frame).flags.allows_duplicate_labels is False
    holidays = pd.date_range("2024", periods=3, freq=pd.offsets.CustomBusinessDay(holidays=["2024-01-01"]))
    with pytest.raises(StateUnsupported, match="freq"):
        encode(pd.DataFrame({"a": range(3)}, index=holidays))


def test_odd_arrays_and_scalars_come_back():
    for value in (np.str_(""), np.bytes_(b""), 10**5000, -(10**5000)):
        assert round_trip(value) == value
    zone = dt.timezone(dt.timedelta(hours=1), "X")
    assert round_trip(dt.datetime(2024, 1, 1, tzinfo=zone)).tzname() == "X"
    names = np.zeros(2, dtype=[("é", "i4"), ("日", "f8")])
    many = np.zeros(2, dtype=[(f"field{i}", "i4") for i in range(6000)])
    for array in (names, many):
        assert round_trip(array).dtype == array.dtype
    with pytest.raises(StateUnsupported):
        encode(np.ma.masked)


def test_a_chunked_arrow_table_with_several_dictionaries_comes_back():
    chunks = pa.chunked_array([pa.array(["a", "b"]).dictionary_encode(), pa.array(["c"]).dictionary_encode()])
    back = round_trip(pa.table({"d": chunks}))
    assert back.column("d").to_pylist() == ["a", "b", "c"]


def test_the_size_of_object_cells_counts():
    assert encode(pd.DataFrame({"a": pd.Series(["x" * 1000] * 100, dtype=object)})).size > 100_000
