"""Hypothesis strategies that damage valid input: plain data at any place, or the bytes of a file."""

from __future__ import annotations

import copy

from hypothesis import strategies as st

ODD_TEXTS = [
    "",
    " ",
    "\n",
    "\x00",
    "\ud83d",
    "NaN",
    "1e999",
    "-0",
    "none",
    "é" * 40,
    "a/b",
    "../x",
    "{prompt}",
    "=1+1",
    "x" * 5000,
]
ODD_NUMBERS = [0, -1, 1, 2, 3.5, 1e308, -1e308, float("nan"), float("inf"), 2**63, 10**30]
# Copies: what is put in may be damaged further, and must not be there the next time.
ODD = st.one_of(
    st.sampled_from([None, True, False, [], {}, [None], {"": None}, {1: 2}, [[]], *ODD_TEXTS, *ODD_NUMBERS]),
    st.text(max_size=8), st.integers(), st.floats(),
).map(copy.deepcopy)  # fmt: skip


@st.composite
def mutated(draw, value, at_most: int = 3):
    """A copy of plain data with one to `at_most` faults in it."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, at_most))):
        parent, key = draw(places(value))
        if parent is None:
            return draw(ODD)
        _damage(draw, parent, key)
    return value


@st.composite
def places(draw, value):
    """A container within `value` and a key of it; None for the whole."""
    parent, key, inner = None, None, value
    while isinstance(inner, dict | list) and len(inner) and draw(st.integers(0, 9)):
        parent, key = inner, draw(st.sampled_from(list(inner) if isinstance(inner, dict) else range(len(inner))))
        inner = parent[key]
    return parent, key


def _damage(draw, parent, key) -> None:
    how = draw(st.sampled_from(["replace", "delete", "double", "rename", "move", "wrap"]))
    if how == "delete":
        del parent[key]
    elif how == "double" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    elif how == "rename" and isinstance(parent, dict):
        name = draw(st.sampled_from(list(parent)) | st.text(max_size=6))
        parent[name] = parent.pop(key)
    elif how == "move":
        other = draw(st.sampled_from(list(parent) if isinstance(parent, dict) else range(len(parent))))
        parent[key], parent[other] = parent[other], parent[key]
    elif how == "wrap":
        parent[key] = draw(st.sampled_from([[parent[key]], {"value": parent[key]}, str(parent[key])]))
    else:
        parent[key] = draw(ODD)


@st.composite
def damaged(draw, content: bytes):
    """A copy of a file's bytes that is cut, or has bytes changed, put in, or taken out."""
    content, at = bytearray(content), draw(st.integers(0, max(len(content) - 1, 0)))
    size = draw(st.integers(1, 12))
    how = draw(st.sampled_from(["cut", "change", "put in", "take out", "double"]))
    if how == "cut":
        del content[at:]
    elif how == "change":
        content[at : at + size] = draw(st.binary(min_size=size, max_size=size))
    elif how == "put in":
        content[at:at] = draw(
            st.one_of(st.binary(min_size=1, max_size=size), st.sampled_from([b'"', b"\n", b"\xff", b","]))
        )
    elif how == "take out":
        del content[at : at + size]
    else:
        content[at:at] = content[at : at + 40 * size]
    return bytes(content)
