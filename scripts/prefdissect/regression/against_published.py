"""Our coefficients beside the published ones, cell by cell.

The published numbers are means of posterior means over ten folds, so they are held against `fold_mean`; the interval is
that of the full data.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.errors import InputError
from prefdissect.names import OVERALL
from prefdissect.tables import conform

CELL = ["judge", "group", "estimator"]


def compare_with_published(
    coefficients: pd.DataFrame, published: pd.DataFrame, labels: dict[str, tuple[str, ...]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Coefficients that were fitted here and published.

    Parameters
    ----------
    coefficients
        Table `coefficients` of the study, `overall` is left out.
    published
        Table of `prefdissect.regression.published.read_published_coefficients`.
    labels
        Judge of the study -> what the published files may call it, first choice first.

    Returns
    -------
    cells : DataFrame
        Table `against_published`: one row per judge, group, estimator and property.
    summary : DataFrame
        Table `against_published_summary`: one row per judge, group and estimator, all judges that have one.

    Raises
    ------
    InputError
        When no judge and group of the study was published.
    """
    ours = coefficients[coefficients["group"] != OVERALL]
    names = _published_names(labels, set(published["judge"]))
    ours = ours.assign(published_judge=ours["judge"].map(names))
    theirs = published.rename(columns={"judge": "published_judge", "fold_mean": "published", "n_pairs": "listed"})
    theirs = theirs[["published_judge", "group", "property", "published", "listed"]]
    joined = ours.merge(theirs, on=["published_judge", "group", "property"], validate="many_to_one")
    if joined.empty:
        raise InputError(
            "no judge and group of this study was published",
            where="config key `regression.published`",
            fix=f"published are the judges {_few(published['judge'])} in the groups {_few(published['group'])}",
        )
    within = (joined["q025"] <= joined["published"]) & (joined["published"] <= joined["q975"])
    joined["difference"] = joined["fold_mean"] - joined["published"]
    joined["inside"] = within.where(joined["q025"].notna()).astype("boolean")
    summary = joined.groupby(CELL, sort=False).apply(_summary, include_groups=False).reset_index()
    return conform(joined, "against_published"), conform(summary, "against_published_summary")


def _published_names(labels: dict[str, tuple[str, ...]], published: set[str]) -> dict[str, str]:
    names = {judge: next((name for name in known if name in published), None) for judge, known in labels.items()}
    return {judge: name for judge, name in names.items() if name is not None}


def _few(values: pd.Series, limit: int = 5) -> str:
    names = list(dict.fromkeys(values))
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _summary(rows: pd.DataFrame) -> pd.Series:
    difference, spread = rows["difference"], rows[["fold_mean", "published"]].std()
    varies = len(rows) > 1 and (spread > 0).all()
    return pd.Series(
        {
            "n_properties": len(rows),
            "n_pairs": rows["n_pairs"].iloc[0],
            "n_pairs_listed": rows["listed"].iloc[0],
            "largest_difference": difference.abs().max(),
            "rms_difference": np.sqrt((difference**2).mean()),
            "correlation": rows["fold_mean"].corr(rows["published"]) if varies else np.nan,
        }
    )
