"""Judgements of two engines on the same weights, compared."""

from __future__ import annotations

TOLERANCE = 1e-3  # nats, float32


def by_id(result: dict) -> dict[str, dict]:
    """Answers of a result, none of them twice."""
    assert result["error"] is None, result["error"]
    answers = {answer["id"]: answer for answer in result["answers"]}
    assert len(answers) == len(result["answers"])
    return answers


def assert_equal_judgements(result: dict, reference: dict) -> float:
    """Log-probabilities within `TOLERANCE`, and equal verdicts wherever the margin exceeds twice that.

    Returns the largest difference.
    """
    ours, theirs = by_id(result), by_id(reference)
    assert ours.keys() == theirs.keys()
    largest, decided = 0.0, 0
    for identity, expected in theirs.items():
        answer = ours[identity]
        for key in ("status", "truncated", "n_tokens"):
            assert answer[key] == expected[key], (identity, key)
        if expected["status"] != "ok":
            continue
        gaps = [abs(answer[key] - expected[key]) for key in ("logp_first", "logp_second")]
        largest = max(largest, *gaps)
        margin = expected["logp_first"] - expected["logp_second"]
        if abs(margin) > 2 * TOLERANCE:
            decided += 1
            assert (answer["logp_first"] > answer["logp_second"]) == (margin > 0), identity
    assert largest <= TOLERANCE
    assert decided > len(theirs) / 2, "a test that hardly any verdict could fail"
    return largest
