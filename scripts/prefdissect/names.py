"""Names that stages share, and what is safe as a file name."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Groups that the program makes itself: all pairs together, and the mean over scenario groups.
POOLED, OVERALL = "pooled", "overall"
# Attributes of judges that are shown where the config names none.
USUAL_ATTRIBUTES = ("size", "family", "stage")
# In tables of base judges, the row for all aligned versions of one together.
MEAN_OF_VERSIONS = "mean of aligned versions"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_UNSAFE_IN_FIGURE = re.compile(r"[/\\{}\x00-\x1f]")


def safe_name(label: str) -> str:
    """Turn free text into a name that is safe as a file name; `GPT-4/Vanilla` becomes `GPT-4-Vanilla`."""
    return _UNSAFE.sub("-", label).rstrip("-.").lstrip("-._") or "unnamed"


def one_of(names: Iterable[str]) -> str:
    """Regular expression that matches one of these names; none matches without names."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


def figure_file(group: str) -> str:
    """File name (without suffix) of a group's figure; scenarios may be in any script, so letters stay as they are."""
    return _UNSAFE_IN_FIGURE.sub("-", group.strip().replace(" ", "_")).lstrip(".") or "unnamed"


def intervals_of_posterior(estimator: str) -> bool:
    """Whether an estimator's intervals of effects come from its posterior, not from resamples of prompts."""
    return estimator in ("laplace_posterior", "laplace_weak", "nuts")
