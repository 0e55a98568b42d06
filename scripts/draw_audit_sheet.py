"""Draw a random sample of ratings for people to give again, blind to the annotator's.

    python scripts/draw_audit_sheet.py results/demo author audit.csv --per-property 20 --seed 1

Filled in, the sheet is an annotator of kind `sheet`: see docs/annotation.md.
"""

import argparse
import sys

from prefdissect.errors import InputError
from prefdissect.stages.annotating import draw_audit_sheet


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a sheet on which people rate a random sample.")
    parser.add_argument("results", help="folder of a study's results, for instance results/demo")
    parser.add_argument("annotator", help="annotator that is audited")
    parser.add_argument("output", help="CSV file to write; must not exist")
    parser.add_argument("--per-property", type=int, default=20, help="pairs for each property (20)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same pairs (1)")
    parser.add_argument("--catalogue", help="the study's own catalogue of properties, where it has one")
    given = parser.parse_args()
    if given.per_property < 1 or given.seed < 0:
        parser.error("--per-property must be 1 or more, --seed 0 or more")
    try:
        rows = draw_audit_sheet(
            given.results, given.annotator, given.catalogue, given.per_property, given.seed, given.output
        )
    except InputError as error:
        sys.exit(str(error))
    print(f"{given.output}: {rows} rows to rate")


if __name__ == "__main__":
    main()
