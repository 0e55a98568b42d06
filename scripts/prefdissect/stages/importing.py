"""Stage that starts a study from published coefficients."""

from __future__ import annotations

import pandas as pd

from prefdissect.catalogue import load_catalogue
from prefdissect.files import atomic_write
from prefdissect.published_study import published_tables
from prefdissect.tables import empty_table, write_table


def import_published(folder: str, records: dict[str, dict], catalogue: str, outputs: dict[str, str]) -> None:
    """Write the tables that a fit would have left behind; those that need pairs or draws stay empty."""
    coefficients, groups = published_tables(folder, records, load_catalogue(catalogue))
    write_table(coefficients, outputs["coefficients"], "coefficients")
    write_table(groups, outputs["groups"], "groups")
    for name in ("fit_quality", "pairs", "preferences"):
        write_table(empty_table(name), outputs[name], name)
    draws: pd.DataFrame = coefficients[["judge", "group", "property"]].assign(draws=[[]] * len(coefficients))
    atomic_write(outputs["draws"], lambda handle: draws.astype({"draws": "object"}).to_parquet(handle, index=False))
