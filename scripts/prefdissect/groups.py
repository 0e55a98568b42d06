"""Which groups a pair belongs to: its scenario, its query-specific cases, and groups that the study defines."""

from __future__ import annotations

import json

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.names import OVERALL, POOLED
from prefdissect.tables import conform, empty_table

_LIST_CASES = {"constraints": "w_constraints", "stances": "w_stances", "mistakes": "w_mistakes"}


def build_groups(
    pairs: pd.DataFrame,
    query_info: pd.DataFrame,
    source_groups: pd.DataFrame,
    settings: dict,
    scenario_groups: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Membership of every pair.

    Parameters
    ----------
    pairs
        Table `pairs`.
    query_info
        Table `query_info`; where several annotators analysed a prompt the first one counts.
    source_groups
        Groups that a source states itself.
    settings
        Section `groups` of the study.
    scenario_groups
        Columns scenario, group: merges fine scenarios into groups.

    Returns
    -------
    DataFrame
        Table `groups`.

    Raises
    ------
    InputError
        When a defined group names a group or scenario that no pair has, two groups would share a name, a group has a
        reserved name, or the merging of scenarios is ambiguous.
    """
    given = source_groups[source_groups["pair_id"].isin(set(pairs["pair_id"]))]
    stated = given[given["kind"] != "case"]
    scenarios = _scenario_blocks(pairs, scenario_groups)
    cases = pd.concat([given[given["kind"] == "case"], _case_blocks(pairs, query_info)], ignore_index=True)
    blocks = [stated]
    if settings["scenarios"]:
        blocks.append(scenarios)
    if settings["cases"]:
        blocks.append(cases)
    known = pd.concat([stated, scenarios, cases], ignore_index=True)
    defined = [_defined_block(entry, known) for entry in settings["define"]]
    _refuse_clashes(set().union(*(block["group"] for block in blocks)), [entry["name"] for entry in settings["define"]])
    blocks += defined
    if settings["pooled"]:
        blocks.append(_members(pairs["pair_id"], POOLED, "pooled"))
    table = pd.concat(blocks, ignore_index=True).drop_duplicates(["pair_id", "group"])
    return conform(table, "groups")


def _refuse_clashes(given: set[str], defined: list[str]) -> None:
    reserved = given & {POOLED, OVERALL}
    if reserved:
        raise InputError(f"a group or scenario of the data is called `{min(reserved)}`", fix="that name is reserved")
    twice = [name for number, name in enumerate(defined) if name in given or name in defined[:number]]
    if twice:
        raise InputError(f"config key `groups.define`: there is a group `{twice[0]}` already", fix="take another name")


def _members(pair_ids: pd.Series, group, kind: str) -> pd.DataFrame:
    return pd.DataFrame({"pair_id": pair_ids.to_numpy(), "group": group, "kind": kind})


def _scenario_blocks(pairs: pd.DataFrame, scenario_groups: pd.DataFrame | None) -> pd.DataFrame:
    scenario = pairs["scenario"]
    if scenario_groups is not None:
        merged = scenario_groups.dropna().drop_duplicates()
        twice = merged.loc[merged["scenario"].duplicated(), "scenario"]
        if len(twice):
            raise InputError(
                f"config key `groups.scenario_groups`: scenario `{twice.iloc[0]}` is put into two groups",
                fix="one row per scenario",
            )
        scenario = scenario.map(merged.set_index("scenario")["group"])
    named = scenario.notna()
    return _members(pairs.loc[named, "pair_id"], scenario[named].to_numpy(), "scenario")


def _case_blocks(pairs: pd.DataFrame, query_info: pd.DataFrame) -> pd.DataFrame:
    if query_info.empty:
        return empty_table("groups")
    info = query_info.drop_duplicates("prompt_id").set_index("prompt_id")
    flags = {"intent_unclear": ~info["clear_intent"], "express_feeling": info["feelings"]}
    flags |= {case: info[column].map(lambda text: bool(json.loads(text))) for column, case in _LIST_CASES.items()}
    return pd.concat(
        [
            _members(pairs.loc[pairs["prompt_id"].isin(flag.index[flag]), "pair_id"], case, "case")
            for case, flag in flags.items()
        ],
        ignore_index=True,
    )


def _defined_block(entry: dict, known: pd.DataFrame) -> pd.DataFrame:
    for group in entry["groups"]:
        if not (known["group"] == group).any():
            there = ", ".join(sorted(set(known["group"])))
            raise InputError(
                f"config key `groups.define`, group `{entry['name']}`: no pair is in `{group}`",
                fix=f"there are: {there}",
            )
    members = known.loc[known["group"].isin(entry["groups"]), "pair_id"].drop_duplicates()
    return _members(members, entry["name"], "defined")


def scenario_groups(groups: pd.DataFrame) -> list[str]:
    """Groups that are scenarios: those that `overall` averages."""
    return sorted(groups.loc[groups["kind"] == "scenario", "group"].unique())
