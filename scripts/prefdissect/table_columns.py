"""Columns of tables as pandera has them, each with a description and the rule that messages quote."""

from __future__ import annotations

import numpy as np
import pandera.pandas as pa

VERDICTS = ["a", "b", "tie"]


def text(description: str, *, nullable: bool = False, isin: list[str] | None = None) -> pa.Column:
    checks = [pa.Check.isin(isin)] if isin else []
    rule = f"one of {', '.join(isin)}" if isin else "a text"
    return pa.Column("str", checks=checks, nullable=nullable, description=description, metadata={"rule": rule})


def number(description: str, *, nullable: bool = False, low=None, high=None) -> pa.Column:
    checks, rule = _range(low, high)
    checks.append(pa.Check(np.isfinite))
    metadata = {"rule": f"a number{rule}"}
    return pa.Column("float64", checks=checks, nullable=nullable, description=description, metadata=metadata)


def whole(description: str, *, low: int = 0, high: int | None = None) -> pa.Column:
    checks, rule = _range(low, high)
    return pa.Column("int64", checks=checks, description=description, metadata={"rule": f"a whole number{rule}"})


def _range(low, high) -> tuple[list[pa.Check], str]:
    bounds = [(pa.Check.ge, low, "from"), (pa.Check.le, high, "to")]
    given = [(check, bound, word) for check, bound, word in bounds if bound is not None]
    return [check(bound) for check, bound, _ in given], "".join(f" {word} {bound:g}" for _, bound, word in given)


def flag(description: str, *, nullable: bool = False) -> pa.Column:
    dtype = "boolean" if nullable else "bool"
    return pa.Column(dtype, nullable=nullable, description=description, metadata={"rule": "true or false"})


def schema(name: str, key: list[str], columns: dict[str, pa.Column]) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, name=name, unique=key, strict=True, metadata={"key": key})
