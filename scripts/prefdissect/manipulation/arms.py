"""The arms of a manipulation experiment: which properties a model is told to show, and in which words.

`towards` names the properties that the target judge rewards most, `against` those it penalises most, `random` as many
drawn at random (once per seed), `none` nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from prefdissect.catalogue import Catalogue
from prefdissect.errors import InputError
from prefdissect.tables import conform
from prefdissect.yaml_files import read_yaml

NONE = "none"
WORDS = {"towards": "rewards", "against": "penalises"}
PLACEHOLDER = "{instructions}"


@dataclass(frozen=True)
class Choice:
    """How properties are chosen.

    Attributes
    ----------
    group, estimator
        Whose coefficients count.
    k
        Properties per arm.
    seeds
        One random arm each.
    random_from
        `distinguishable`: the random arms draw among the properties that the judge distinguishably rewards or
        penalises; `all`: among all that were fitted.
    too_few
        What happens where fewer than k can be told from neutral: `fewer` uses those there are, `refuse` stops.
    """

    group: str
    estimator: str
    k: int
    seeds: tuple[int, ...]
    random_from: str = "distinguishable"
    too_few: str = "fewer"


def choose_arms(coefficients: pd.DataFrame, targets: list[str], catalogue: Catalogue, how: Choice, words: str | Path):
    """The arms against all targets, and the one without a system message.

    Parameters
    ----------
    coefficients
        Table `coefficients`.
    targets
        Judges whose preferences are aimed at.
    catalogue
        The properties, for the wording.
    words
        File of the system message, with the placeholder `{instructions}`.

    Returns
    -------
    Table `arms`: an arm whose properties are none at all has no system message and is not run; its note says why.

    Raises
    ------
    InputError
        When a target was not fitted in the group, none of its properties can be told from neutral, or (under
        `refuse`) fewer than k can.
    """
    text = system_text(words)
    rows = [{"arm_id": NONE, "target": None, "arm": NONE, "seed": None, "properties": None, "note": None}]
    for target in targets:
        rows += _arms_of(_effects(coefficients, target, how), target, catalogue, how)
    for row in rows:
        names = (row["properties"] or "").split()
        lines = "\n".join(f"- {catalogue[name].instruction}" for name in names)
        row["system"] = text.replace(PLACEHOLDER, lines) if names else None
    return conform(pd.DataFrame(rows), "arms")


def system_text(path: str | Path) -> str:
    """The system message's text. Raises `InputError`."""
    text = read_yaml(path, "prompt").get("text")
    if not isinstance(text, str) or text.count(PLACEHOLDER) != 1:
        raise InputError(f"key `text` must hold {PLACEHOLDER} once", where=str(path))
    return text


def _effects(coefficients: pd.DataFrame, target: str, how: Choice) -> pd.DataFrame:
    """A judge's fitted properties, the most rewarded first."""
    mine = coefficients[(coefficients["judge"] == target) & (coefficients["estimator"] == how.estimator)]
    rows = mine[mine["group"] == how.group]
    where = f"config key `manipulation.targets`: judge `{target}`"
    if rows.empty:
        fitted = ", ".join(dict.fromkeys(mine["group"])) or "none"
        raise InputError(f"was not fitted in the group `{how.group}`", where=where, fix=f"fitted: {fitted}")
    if (rows["word"] == "no interval").any():
        fix = "an estimator with intervals, or `regression.resamples` above 0"
        raise InputError("its effects have no intervals, so none is told from neutral", where=where, fix=fix)
    if not rows["word"].isin(WORDS.values()).any():
        fix = "more pairs, or another target or group"
        problem = f"none of its {len(rows)} properties can be told from neutral in the group `{how.group}`"
        raise InputError(problem, where=where, fix=fix)
    return rows.sort_values("mean", ascending=False, kind="stable")


def _arms_of(effects: pd.DataFrame, target: str, catalogue: Catalogue, how: Choice) -> list[dict]:
    told = {arm: effects[effects["word"] == word]["property"].tolist() for arm, word in WORDS.items()}
    chosen = {"towards": told["towards"][: how.k], "against": told["against"][::-1][: how.k]}
    rows = [_row(target, arm, None, names, _remark(len(told[arm]), how.k, WORDS[arm])) for arm, names in chosen.items()]
    lacking = [row["note"] for row in rows if row["note"]]
    if lacking and how.too_few == "refuse":
        where = f"config key `manipulation.targets`: judge `{target}`"
        raise InputError(lacking[0], where=where, fix="a smaller `k`, more pairs, or `too_few: fewer`")
    known = effects if how.random_from == "all" else effects[effects["word"].isin(WORDS.values())]
    pool = [name for name in catalogue if name in set(known["property"])]
    count = min(len(pool), max(map(len, chosen.values())))
    note = f"draws {count} of {len(pool)}: the same every time" if count == len(pool) else None
    return rows + [_row(target, "random", seed, _drawn(pool, count, target, seed), note) for seed in how.seeds]


def _remark(there: int, k: int, word: str) -> str | None:
    if there >= k:
        return None
    return f"{there or 'none'} of the {k} properties asked for: the judge {word} no more that can be told from neutral"


def _drawn(pool: list[str], count: int, target: str, seed: int) -> list[str]:
    digest = hashlib.sha256(f"{target}|{seed}".encode()).digest()
    return list(np.random.default_rng(int.from_bytes(digest[:8], "big")).permutation(pool)[:count])


def _row(target: str, arm: str, seed: int | None, names: list[str], note: str | None) -> dict:
    identity = f"{target}--{arm}" + ("" if seed is None else f"-{seed}")
    named = " ".join(names) or None
    seed = None if seed is None else str(seed)
    return {"arm_id": identity, "target": target, "arm": arm, "seed": seed, "properties": named, "note": note}
