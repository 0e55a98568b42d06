"""The cache of arrays, and writing files whole."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from prefdissect.cache import ArrayCache, content_key
from prefdissect.files import atomic_write, write_text

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


# Keys -----------------------------------------------------------------------------------------------------------------


@given(st.lists(PLAIN, max_size=3), st.lists(PLAIN, max_size=3))
def test_equal_content_has_equal_keys_and_other_content_others(one, other):
    assert content_key(*one) == content_key(*one)
    assert (content_key(*one) == content_key(*other)) == (repr(one) == repr(other))


@given(arrays.arrays(st.sampled_from(["f8", "i2", "u1", "?", "U3"]), arrays.array_shapes(max_dims=2, max_side=4)))
def test_an_array_is_its_values_shape_and_type(array):
    key = content_key(array)
    assert len(key) == 32 and key == content_key(array.copy()) == content_key(np.asfortranarray(array))
    assert key != content_key(array.reshape(1, *array.shape))
    assert key != content_key(array, array) and key != content_key(array.tolist())


def test_what_must_differ_does():
    x = np.arange(6.0)
    others = [
        content_key(x), content_key(x.astype("f4")), content_key(x.reshape(2, 3)), content_key(x + 1e-12),
        content_key(x, 1), content_key(1, x), content_key(x, True), content_key(x, "1"), content_key(x, 1.0),
        content_key(x, (1, 2)), content_key(x, [1, 2]), content_key(x, 1, 2), content_key(x, (1,), 2),
        content_key(x[:3], x[3:]), content_key(x[:2], x[2:]), content_key("a", "b"), content_key("ab"),
        content_key("a\0b"),
    ]  # fmt: skip
    assert len(set(others)) == len(others)


def test_long_arrays_in_a_list_are_told_apart():
    one, other = np.zeros(5000), np.zeros(5000)
    other[2500] = 1
    assert content_key([one]) != content_key([other])


@pytest.mark.parametrize("value", [object(), {1, 2}, pd.Series([1]), np.array(["a", None], dtype=object), len])
def test_what_has_no_stable_form_is_refused(value):
    with pytest.raises(TypeError, match="no stable key for a"):
        content_key(1, value)


def test_keys_are_the_same_in_another_process(root):
    code = "import numpy as np; from prefdissect.cache import content_key as k; print(k('a', {'b': 1.5}, np.arange(3)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(root / "scripts"), "PYTHONHASHSEED": "7"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == content_key("a", {"b": 1.5}, np.arange(3))


# Files ----------------------------------------------------------------------------------------------------------------

ARRAYS = {"mean": np.array([0.5, np.nan]), "draws": np.zeros((0, 2)), "auc": np.asarray(0.7)}


def test_what_is_stored_comes_back(tmp_path):
    cache = ArrayCache(tmp_path / "fits")
    assert cache.load("abc") is None
    cache.store("abc", ARRAYS)
    loaded = ArrayCache(str(tmp_path / "fits")).load("abc")
    assert list(loaded) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype and loaded[name].shape == array.shape
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.npz")] == ["fits/ab/abc.npz"]


def test_a_damaged_entry_counts_as_not_there_and_is_replaced(tmp_path):
    cache = ArrayCache(tmp_path)
    cache.store("abc", ARRAYS)
    path = tmp_path / "ab" / "abc.npz"
    whole = path.read_bytes()
    for content in (b"", b"x", whole[: len(whole) // 2], whole[:-1], whole.replace(b"NUMPY", b"NUMPI")):
        path.write_bytes(content)
        assert cache.load("abc") is None
    cache.store("abc", ARRAYS)
    assert cache.load("abc") is not None


def test_objects_are_not_stored(tmp_path):
    with pytest.raises(ValueError, match="(?i)object arrays"):
        ArrayCache(tmp_path).store("abc", {"x": np.array([None], dtype=object)})
    assert not list(tmp_path.rglob("*.npz"))


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "file.txt"

    def fail(handle):
        handle.write(b"half")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        atomic_write(path, fail)
    assert list(path.parent.iterdir()) == []
    write_text(path, "old")
    with pytest.raises(RuntimeError):
        atomic_write(path, fail)
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]


def test_a_file_has_the_usual_rights_and_line_ends(tmp_path):
    write_text(tmp_path / "f", "é\r\nb\n")
    assert (tmp_path / "f").read_bytes() == "é\r\nb\n".encode()
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o666 & ~mask
