"""What every source of pairs yields, whatever its published form.

A reader (one file per kind in this package, registered in `prefdissect.pairs.registry`) turns published files into
the tables of `Source`. Judges in a source's judgements carry the *label* as published; the study maps labels to safe
names later.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from prefdissect.tables import empty_table


@dataclass
class Source:
    """Tables read from one source; all but `pairs` may be empty.

    Attributes
    ----------
    pairs, judgements, annotations, query_info, errors
        Tables of those names (see `prefdissect.tables.SCHEMAS`). In `judgements`, `judge` is the label as published;
        in the last three, `annotator` is free and replaced by the name the study gives.
    features
        Comparisons published already resolved to one number per property (table `features`).
    groups
        Membership that the source itself states, with `kind` = "case" or "defined".
    notes
        What the reader left out and why, as `{"reason": count}`; shown in the report.
    """

    pairs: pd.DataFrame
    judgements: pd.DataFrame = field(default_factory=lambda: empty_table("judgements"))
    annotations: pd.DataFrame = field(default_factory=lambda: empty_table("annotations"))
    query_info: pd.DataFrame = field(default_factory=lambda: empty_table("query_info"))
    errors: pd.DataFrame = field(default_factory=lambda: empty_table("errors"))
    features: pd.DataFrame = field(default_factory=lambda: empty_table("features"))
    groups: pd.DataFrame = field(default_factory=lambda: empty_table("groups"))
    notes: dict[str, int] = field(default_factory=dict)


TABLES = ("pairs", "judgements", "annotations", "query_info", "errors", "features", "groups")
