"""Agreement of the sample's two sets of ratings: `python data/sample/agreement.py`.

The second set was given blind to the first. Printed per property: number of ratings, share equal, share within one
step, quadratically weighted kappa (Cohen 1968); for the errors, counts by severity are compared as ratings cut at 3.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import yaml
from sklearn.metrics import cohen_kappa_score

FOLDER = Path(__file__).parent
SEVERITIES = ("minor", "moderate", "severe")


def first_ratings(query: dict, response: dict) -> dict[str, list[int]]:
    """The author's ratings of one response, as lists (several constraints, stances, mistakes)."""
    ratings = {name: [value] for name, value in response["ratings"].items()}
    ratings |= {name: value if isinstance(value, list) else [value] for name, value in response["specific"].items()}
    if query["errors_checked"]:
        for severity in SEVERITIES:
            count = sum(error["severity"] == severity for error in response["errors"])
            ratings[f"no_{severity}_errors"] = [min(count, 3)]
    return ratings


def second_ratings(rated: dict) -> dict[str, list[int]]:
    """The blind ratings of one response."""
    ratings = {name: [value] for name, value in rated["ratings"].items()}
    ratings |= {name: value if isinstance(value, list) else [value] for name, value in rated["specific"].items()}
    ratings |= {f"no_{severity}_errors": [min(n, 3)] for severity, n in (rated["errors"] or {}).items()}
    return ratings


def paired_ratings() -> pd.DataFrame:
    """All ratings given twice: columns query, response, property, first, second."""
    second = yaml.safe_load((FOLDER / "second_ratings.yaml").read_text(encoding="utf-8"))
    rows = []
    for name, responses in second.items():
        query = yaml.safe_load((FOLDER / "queries" / f"{name}.yaml").read_text(encoding="utf-8"))
        for response in query["responses"]:
            again = second_ratings(responses[response["id"]])
            for prop, values in first_ratings(query, response).items():
                rows += [(name, response["id"], prop, a, b) for a, b in zip(values, again[prop], strict=True)]
    return pd.DataFrame(rows, columns=["query", "response", "property", "first", "second"])


def agreement(pairs: pd.DataFrame) -> pd.Series:
    """Agreement of two columns of ratings; kappa is null where both columns hold one and the same value."""
    gap = (pairs["first"] - pairs["second"]).abs()
    varied = len(set(pairs["first"]) | set(pairs["second"])) > 1
    kappa = cohen_kappa_score(pairs["first"], pairs["second"], weights="quadratic") if varied else float("nan")
    return pd.Series({"n": len(pairs), "equal": (gap == 0).mean(), "within_one": (gap <= 1).mean(), "kappa": kappa})


def main() -> None:
    pairs = paired_ratings()
    by_property = pairs.groupby("property", sort=False)[["first", "second"]].apply(agreement)
    print(by_property.round(2).to_string())
    print(agreement(pairs).round(3).to_string())


if __name__ == "__main__":
    main()
