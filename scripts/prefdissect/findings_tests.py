"""What a study found about kinds of judges: sentences on the permutation tests of the table `attribute_similarity`."""

from __future__ import annotations

import pandas as pd

LEVEL = 0.05  # above it a difference is not called one
ENTRY = ["attribute", "within", "cuts"]


def describe_tests(table: pd.DataFrame) -> list[str]:
    """Whether judges of one kind are more alike than judges of different kinds, attribute by attribute.

    Parameters
    ----------
    table
        Rows of table `attribute_similarity` of one group and one metric.
    """
    tested = int(table["p_value"].notna().sum())
    sentences = [
        _sentence(part.set_index("comparison"), tested)
        for _, part in table.groupby(ENTRY, sort=False, dropna=False)
        if part.loc[part["comparison"] == "difference", "value"].notna().any()
    ]
    if tested > 1:
        sentences.append(f"{tested} attributes were tested; the p-values are not corrected for that.")
    return sentences


def _sentence(rows: pd.DataFrame, tested: int) -> str:
    """One attribute: means within and between, their difference, and what the test says about it."""
    within, difference = rows.loc[["within"]], rows.loc["difference"]
    between = rows.loc["between"]
    kinds = within[within["value_of_attribute"].notna() & (within["n_similarities"] > 0)]
    each = "; ".join(
        f"{row.value_of_attribute.replace('<=', '≤')}: {row.value:.3f} ({_pairs(row.n_similarities)})"
        for row in kinds.itertuples()
    )
    start = (
        f"By {difference['attribute']}{_how(difference)}: mean similarity of judges of one kind {each}; of different"
    )
    start += (
        f" kinds {between['value']:.3f} ({_pairs(between['n_similarities'])}); difference {difference['value']:.3f}"
    )
    return f"{start}{_interval(difference)}. {_verdict(difference, tested)}"


def _how(row: pd.Series) -> str:
    text = f", among judges of the same {row['within']}" if pd.notna(row["within"]) else ""
    return text + (", a division chosen after seeing the data" if row["chosen_after_seeing"] else "")


def _pairs(count: float) -> str:
    return f"{int(count):,} pair{'s' if count != 1 else ''}"


def _interval(row: pd.Series) -> str:
    if pd.isna(row["q025"]):
        return ""
    return f" (95 % interval over {row['interval']} {row['q025']:.3f} to {row['q975']:.3f})"


def _verdict(row: pd.Series, tested: int) -> str:
    """What the p-value carries, and what it does not."""
    p, tried = row["p_value"], row["n_permutations"]
    if pd.isna(p):
        return "No arrangement of these judges can test it."
    which = f"all {int(tried):,}" if row["exact"] else f"{int(tried):,} random"
    how = f"p = {_p_text(p)}, one-sided, over {which} arrangements of {row['attribute']} over the judges"
    least = 1 / (tried if row["exact"] else tried + 1)
    if least > LEVEL:
        return f"Too few judges to test it: p cannot be below {least:.2g} ({how})."
    if row["chosen_after_seeing"]:
        return f"The test is no evidence, its p-value being too small for a division found in these judges ({how})."
    if p > LEVEL:
        return f"That cannot be told from chance ({how}), which is no evidence that the kinds do not differ."
    if p > LEVEL / tested:
        return f"By itself that would be beyond chance ({how}), but among {tested} tests it is no surprise."
    return f"Chance alone would hardly give that ({how}); it does not say that {row['attribute']} is the cause."


def _p_text(p: float) -> str:
    return f"{p:.{2 if p >= 0.1 else 3 if p >= 0.01 else 4}f}"
