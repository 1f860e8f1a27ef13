"""The reader of Marian's format, against a writer made here from the same description and nothing else."""

import math
import struct
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attnviz.errors import ModelFileError
from attnviz.models.marian import FLOAT32, INT8, QUANTISED, SETTINGS, read

RNG = np.random.default_rng(8)


def written(*items, version=1, padding=3, count=None):
    """A file of items (name, type, declared shape, bytes)."""
    names = [name.encode() + b"\0" for name, *_ in items]
    headers = b"".join(
        struct.pack("<4Q", len(name), kind, len(shape), len(data))
        for name, (_, kind, shape, data) in zip(names, items, strict=True)
    )
    shapes = b"".join(struct.pack(f"<{len(shape)}i", *shape) for _, _, shape, _ in items)
    start = struct.pack("<2Q", version, len(items) if count is None else count) + headers + b"".join(names)
    return (
        start + shapes + struct.pack("<Q", padding) + b"\xff" * padding + b"".join(data for *_, data in items)
    )


def floats(name, array, spare=0):
    array = np.asarray(array, dtype="<f4")
    return name, FLOAT32, array.shape, array.tobytes() + b"\1" * spare


def quantised(name, shape, stored, factor, spare=0):
    """``stored`` are the bytes as they lie in the file."""
    data = np.asarray(stored, dtype=np.int8).tobytes() + struct.pack("<f", factor) + b"\1" * spare
    return name, QUANTISED, shape, data


def settings_item(text):
    data = text.encode() + b"\0"
    return SETTINGS, INT8, (len(data),), data


WHOLE = written(
    floats("bias", [[0.5, -1.0, 2.0]], spare=4),
    quantised("Wemb", (2, 3), [1, 2, 3, 4, 5, 6], 2.0),
    quantised("matrix", (2, 3), [1, 2, 3, 4, 5, 6], 4.0, spare=7),
    settings_item("dec-depth: 2\ndim-vocabs:\n  - 2\n  - 2\npostprocess: dan\nempty: ''\n"),
)


def test_golden_bytes():
    """A file written out byte by byte: one item "ab", float32, shape (1, 2), holding 1.0 and -2.0."""
    data = bytes.fromhex(
        "0100000000000000 0100000000000000"  # version 1, one item
        "0300000000000000 0404000000000000 0200000000000000 0800000000000000"  # name of 3, type, rank 2, 8 bytes
        "616200"  # ab, NUL
        "01000000 02000000"  # 1, 2
        "0100000000000000 aa"  # one byte of padding
        "0000803f 000000c0"
    )
    file = read(data)
    assert list(file.arrays) == ["ab"] and file.settings == {}
    assert file.arrays["ab"].tolist() == [[1.0, -2.0]]
    assert file.arrays["ab"].dtype == np.float32


def test_every_type_of_item():
    file = read(WHOLE)
    assert list(file.arrays) == ["bias", "Wemb", "matrix"]
    assert file.arrays["bias"].tolist() == [[0.5, -1.0, 2.0]]
    assert file.arrays["Wemb"].tolist() == [[0.5, 1, 1.5], [2, 2.5, 3]]  # rows as they lie
    assert file.arrays["matrix"].tolist() == [
        [0.25, 0.75, 1.25],
        [0.5, 1, 1.5],
    ]  # (in, out), stored as (out, in)
    assert file.settings == {"dec-depth": "2", "dim-vocabs": ["2", "2"], "postprocess": "dan", "empty": ""}


def test_arrays_cannot_be_written_to():
    for array in read(WHOLE).arrays.values():
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


shapes = st.lists(st.integers(1, 5), max_size=4).map(tuple)


@given(st.lists(st.tuples(shapes, st.booleans(), st.integers(0, 300)), max_size=6), st.integers(0, 300))
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_read(parts, padding):
    items, expected = [], {}
    for i, (shape, is_quantised, spare) in enumerate(parts):
        name = f"layer_{i}_W"
        if is_quantised:
            stored = RNG.integers(-128, 128, math.prod(shape)).astype(np.int8)
            factor = float(np.float32(RNG.uniform(1, 50)))
            items.append(quantised(name, shape, stored, factor, spare))
            expected[name] = stored.reshape(shape[::-1]).T / np.float32(factor)
        else:
            expected[name] = RNG.normal(size=shape).astype(np.float32)
            items.append(floats(name, expected[name], spare))
    arrays = read(written(*items, settings_item("a: b"), padding=padding)).arrays
    assert list(arrays) == list(expected)
    for name, array in expected.items():
        assert arrays[name].shape == array.shape
        np.testing.assert_array_equal(arrays[name], array.astype(np.float32))


def refused(data, because=None):
    """That the bytes give the one clear error."""
    with pytest.raises(ModelFileError, match=because) as error:
        read(data)
    assert error.value.message.startswith("This is not a whole Marian model file: ")
    assert error.value.message.endswith(".") and error.value.way_out == "Fetch the model again."


def test_no_beginning_of_a_file_is_taken_for_a_whole_one():
    for length in range(len(WHOLE)):
        refused(WHOLE[:length])


@pytest.mark.parametrize(
    ("data", "because"),
    [
        (b"", "ends too early"),
        (b"PK\3\4" + bytes(100), "does not begin like one"),
        (b"GGUF" + bytes(100), "does not begin like one"),
        (written(version=2), "does not begin like one"),
        (WHOLE + b"\0", r"should have [\d,]+ bytes and has"),
        (written(count=2**63), "lists 9,223,372,036,854,775,808 items"),
        (written(floats("a", [1.0]), floats("a", [2.0])), "two of its items have one name"),
        (written(("a", 0x0408, (1,), bytes(8))), "a is of a type that is not read here"),
        (written(("a", INT8, (1,), bytes(8))), "a is of a type that is not read here"),
        (written(("a", FLOAT32, (3,), bytes(8))), "a is shorter than its shape"),
        (written(("a", QUANTISED, (5,), bytes(8))), "a is shorter than its shape"),
        (written(("a", FLOAT32, (2**31 - 1,) * 8, bytes(8))), "a is shorter than its shape"),
        (written(("a", FLOAT32, (1,) * 9, bytes(8))), "9 axes"),
        (written(("a", FLOAT32, (-1, -2), bytes(8))), "the shape of a"),
        (written(("a", FLOAT32, (0, 2), bytes(8))), "the shape of a"),
        (written(("", FLOAT32, (1,), bytes(4))), "no readable name"),
        (written(("é", FLOAT32, (1,), bytes(4))), "no readable name"),
        (written(("a\n", FLOAT32, (1,), bytes(4))), "no readable name"),
        (written(floats("a", [math.nan])), "a holds something that is no number"),
        (written(quantised("a", (2,), [1, 2], 0.0)), "the factor of a is 0.0"),
        (written(quantised("a", (2,), [1, 2], math.inf)), "the factor of a is inf"),
        (written(quantised("a", (2,), [1, 2], 1e-44)), "a holds something that is no number"),
        (written(settings_item("- a\n- b")), "its settings are no list of names"),
        (written(settings_item("a: [")), "its settings cannot be read"),
        (written(settings_item("- " * 4_000)), "its settings cannot be read"),
        (written(settings_item("[" * 4_000)), "its settings are too long"),
        (written((SETTINGS, INT8, (2,), b"\xff\xfe")), "its settings cannot be read"),
        (written(settings_item("a: b\n" * 20_000)), "its settings are too long"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_foreign_and_damaged_files(data, because):
    refused(data, because)


def test_tags_in_the_settings_make_no_objects():
    text = "a: !!python/object/apply:os.getcwd []\nb: !!int five\n? x\n: !!timestamp never\n"
    assert read(written(settings_item(text))).settings == {"a": [], "b": "five", "x": "never"}


def peak_memory(data):
    tracemalloc.start()
    try:
        with suppress(ModelFileError):
            read(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


numbers = st.sampled_from([0, 1, 2**16, 2**31 - 1, 2**31, 2**32, 2**40, 2**63, 2**64 - 1])


@given(st.integers(0, len(WHOLE) // 8 - 1), numbers)
@settings(deadline=None, max_examples=150)
def test_no_number_in_a_header_makes_memory_grow(place, number):
    """Any eight bytes may say anything; whatever is read stays within a small multiple of the file."""
    data = WHOLE[: 8 * place] + struct.pack("<Q", number) + WHOLE[8 * place + 8 :]
    assert peak_memory(data) < 1_000_000


def survives(data):
    """That reading gives numbers or the clear error, and nothing else."""
    with suppress(ModelFileError):
        assert all(np.isfinite(array).all() for array in read(data).arrays.values())


@given(st.binary(max_size=300))
@example(b"")
@settings(deadline=None, max_examples=200)
def test_random_bytes_give_only_the_clear_error(data):
    survives(data)
    survives(WHOLE[:16] + data)


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@settings(deadline=None, max_examples=300)
def test_changed_bytes_give_only_the_clear_error(changes):
    data = bytearray(WHOLE)
    for place, byte in changes:
        data[place] = byte
    survives(bytes(data))


@given(st.text(max_size=200))
@settings(deadline=None, max_examples=200)
def test_any_settings_give_only_the_clear_error(text):
    survives(written(floats("a", [1.0]), settings_item(text.encode(errors="replace").decode())))
