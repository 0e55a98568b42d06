"""Source kind `auto_j`: the Auto-J pairwise test set (`testdata_pairwise.jsonl`) with its human labels.

Published by GAIR-NLP/auto-j: one object per line with scenario, prompt, "response 1", "response 2" and label.
"""

from __future__ import annotations

from prefdissect.pairs.checks import check_pairs
from prefdissect.pairs.columns import Place
from prefdissect.pairs.files import read_frame
from prefdissect.pairs.recorded import select, verdict_values, verdicts
from prefdissect.pairs.source import Source
from prefdissect.pairs.table import judgement_rows

PUBLISHED = {"response_a": "response 1", "response_b": "response 2"}
LABELS = {0: "a", 1: "b", 2: "tie"}
JUDGE = "human"


def read(record: dict, catalogue) -> Source:
    """Read the test set; pairs are called `<name>-<line>` and the judge `human`.

    Parameters
    ----------
    record
        `name`; `path` of the JSON Lines file; `empty_responses`: error, keep or drop. One pair of the published file
        has an empty response.

    Raises
    ------
    InputError
        For a missing key, a label other than 0 (first), 1 (second), 2 (tie) or null, and the faults of `check_pairs`.
    """
    path = str(record["path"])
    required = ("prompt", "response_a", "response_b", "label")
    frame, names = select(read_frame(path), PUBLISHED, required, ("scenario",), path)
    place = Place.of_file(path, names)
    checked = check_pairs(frame, record, place)
    verdict = verdicts(frame, "label", verdict_values(LABELS, path), place).loc[checked.rows]
    votes = checked.pairs[["pair_id"]].assign(verdict=verdict.to_numpy(dtype=object))
    return Source(checked.pairs, judgements=judgement_rows(votes, JUDGE), notes=checked.notes)
