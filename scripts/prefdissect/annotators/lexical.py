"""The lexical annotator: ratings of what can be measured in a response without a model.

Each measure (modules `tone` and `form`) yields one number, and `SCALES` says from which number on a response has which
rating of the catalogue. Nothing depends on the prompt or on the other response, so each distinct text is measured once.
The markers, the syllables and the readability formula are English.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from prefdissect.annotators import form, tone
from prefdissect.annotators.response import Response
from prefdissect.catalogue import Catalogue
from prefdissect.errors import InputError
from prefdissect.tables import conform


class Scale(NamedTuple):
    """A measure and the least values of it for the ratings 1, 2 and 3."""

    measure: Callable[[Response], float]
    cuts: tuple[float, float, float]

    def rate(self, response: Response) -> int:
        value = self.measure(response)
        return sum(value >= cut for cut in self.cuts)


# Property -> scales, with the least values for the ratings 1, 2 and 3. Of several scales the highest rating counts.
SCALES: dict[str, tuple[Scale, ...]] = {
    "polite": (Scale(tone.courtesy, (0.5, 2, 3.5)),),  # 1 + points of courtesy - points of rudeness
    "interactive": (Scale(tone.interaction, (0.5, 2, 3)),),  # 1 an offer, 2 a question to the user, more of them
    "rhetorical_devices": (Scale(tone.figures, (0.7, 2.2, 4.5)),),  # figures in a text of 150 words
    "complex_language": (Scale(form.schooling, (5, 11, 14)),),  # years of schooling
    "well_formatted": (Scale(form.formatting, (1, 2, 2.4)),),  # 1 paragraphs, 2 + share that structure carries
    "admits_limits": (Scale(tone.limits, (0.5, 2, 2.6)),),  # 1 a hedge, 2 a clear limit + share of such sentences
    "step_by_step": (Scale(form.steps, (1, 2, 4)),),  # steps, and weaker signs of them
    "informal": (Scale(tone.informality, (0.4, 1.75, 4.5)),),  # colloquial words and signs per 100 words
    "non_repetitive": (
        Scale(form.recurrence, (0.33, 0.45, 0.6)),  # share of content words said a moment ago
        Scale(form.repeated_runs, (0.1, 0.25, 0.45)),  # share of four-word runs
        Scale(form.repeated_sentences, (0.08, 0.25, 0.5)),  # share of sentences
    ),
}


def annotate(
    pairs: pd.DataFrame, catalogue: Catalogue, properties: list[str] | None = None, annotator: str = "lexical"
) -> pd.DataFrame:
    """Rate both responses of every pair.

    Parameters
    ----------
    pairs
        Table `pairs`; `pair_id`, `response_a` and `response_b` are used.
    catalogue
        The catalogue of properties.
    properties
        Names of the properties to rate; by default all that the catalogue gives to this annotator.
    annotator
        Name under which the ratings are filed.

    Returns
    -------
    DataFrame
        Table `annotations`: one row per pair and property, ordered as the pairs and then as the catalogue. Ratings are
        0 to 3; `lengthy` is the number of words. `item` is 0 and `status` ok throughout.

    Raises
    ------
    InputError
        When a property is unknown or cannot be measured lexically, a column is missing, or a response is null.
    """
    names = _properties(catalogue, properties)
    texts = _texts(pairs)
    scores = {text: _score(text, names) for text in pd.unique(texts.to_numpy().ravel())}
    rows = len(pairs) * len(names)
    return conform(
        pd.DataFrame(
            {
                "annotator": [annotator] * rows,
                "pair_id": pairs["pair_id"].repeat(len(names)).to_numpy(),
                "property": names * len(pairs),
                "item": 0,
                "score_a": [score for text in texts["response_a"] for score in scores[text]],
                "score_b": [score for text in texts["response_b"] for score in scores[text]],
                "status": "ok",
            },
            index=range(rows),
        ),
        "annotations",
    )


def rate_response(text: str, name: str) -> int:
    """Score of one response for one property: a rating 0 to 3, or the number of words for `lengthy`.

    Raises
    ------
    KeyError
        When the property is not measured here.
    """
    return _score(text, [name])[0]


def _score(text: str, names: list[str]) -> list[int]:
    response = Response(text)
    return [
        response.word_count if name == "lengthy" else max(scale.rate(response) for scale in SCALES[name])
        for name in names
    ]


def _properties(catalogue: Catalogue, wanted: list[str] | None) -> list[str]:
    able = [name for name, prop in catalogue.items() if "lexical" in prop.annotators]
    for name in able if wanted is None else wanted:
        if name not in catalogue:
            raise InputError(f"property `{name}` is not in the catalogue", fix=f"lexical ones: {', '.join(able)}")
        if name not in able or (name != "lengthy" and name not in SCALES):
            measured = ", ".join([*SCALES, "lengthy"])
            raise InputError(f"property `{name}` cannot be measured lexically", fix=f"those that can: {measured}")
    return able if wanted is None else [name for name in catalogue if name in set(wanted)]


def _texts(pairs: pd.DataFrame) -> pd.DataFrame:
    for column in ("pair_id", "response_a", "response_b"):
        if column not in pairs:
            present = ", ".join(map(str, pairs))
            raise InputError(f"table `pairs` lacks column `{column}`", fix=f"present: {present}")
    texts = pairs[["response_a", "response_b"]]
    for column in texts:
        empty = texts[column].isna().to_numpy()
        if empty.any():
            pair = pairs["pair_id"].iloc[empty.argmax()]
            raise InputError(f"pair `{pair}`, column `{column}` is null", fix="an empty response is an empty text")
    return texts
