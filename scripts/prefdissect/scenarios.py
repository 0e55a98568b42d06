"""The scenario of a query, by a classifier trained on labelled queries: TF-IDF of words and characters, a linear model.

Its accuracy is measured on queries it was not trained on, and every prediction carries a calibrated probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import KernelPCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline, make_union

from prefdissect.errors import InputError
from prefdissect.tables import conform

ALL = "all queries"
STRENGTHS = (1.0, 10.0, 100.0)
INNER_FOLDS = 3
# A long query is mostly pasted text: what is wanted stands at its beginning or its end.
HEAD, TAIL = 1000, 500
# Enough for an exact rotation of so many queries, and an approximation of more.
COMPONENTS, DENSE = 2000, 3000
LEAST_LABELS = 4


@dataclass(frozen=True)
class Labelled:
    """Labelled queries, each once: arrays `queries` and `scenarios` of one length, and scenario -> group, if any."""

    queries: np.ndarray
    scenarios: np.ndarray
    groups: dict[str, str] | None = None


@dataclass(frozen=True)
class Classifier:
    """A trained classifier; `probabilities` has the shape (n, n_scenarios), its columns are `scenarios`."""

    model: CalibratedClassifierCV

    @property
    def scenarios(self) -> np.ndarray:
        return self.model.classes_

    def probabilities(self, queries: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(shortened(queries))


def shortened(queries) -> np.ndarray:
    """Queries without the middle of long ones."""
    cut = [q if len(q) <= HEAD + TAIL else f"{q[:HEAD]}\n{q[-TAIL:]}" for q in queries]
    return np.array(cut, dtype=object)


def check_labels(
    table: pd.DataFrame, groups: pd.DataFrame | None, folds: int, where: str, groups_where: str = ""
) -> Labelled:
    """Labelled queries that a classifier can be trained on; a query that occurs several times counts once.

    Parameters
    ----------
    table
        Columns query, scenario, without nulls.
    groups
        Columns scenario, group: every scenario of the table must be in it.
    folds
        Folds of the held-out accuracy: every scenario needs as many labels, and at least four.

    Raises
    ------
    InputError
        When a query has two scenarios, there are fewer than two scenarios, one has too few labels, or the groups leave
        one out or put it into two.
    """
    table = table.drop_duplicates()
    twice = table[table["query"].duplicated()]
    if len(twice):
        query, both = twice.iloc[0]["query"], table.loc[table["query"] == twice.iloc[0]["query"], "scenario"]
        problem = f"the query {query[:40]!r} has the scenarios {' and '.join(map(repr, both))}"
        raise InputError(problem, where=where, fix="one scenario per query")
    counts = table["scenario"].value_counts()
    if len(counts) < 2:
        raise InputError("all queries have one scenario", where=where, fix="two scenarios or more")
    least = max(folds, LEAST_LABELS)
    if counts.min() < least:
        problem = f"scenario `{counts.idxmin()}` has {counts.min()} different queries"
        raise InputError(problem, where=where, fix=f"{least} or more each, or leave it out")
    merged = None if groups is None else _merged(groups, list(counts.index), groups_where)
    return Labelled(table["query"].to_numpy(dtype=object), table["scenario"].to_numpy(dtype=object), merged)


def _merged(groups: pd.DataFrame, scenarios: list[str], where: str) -> dict[str, str]:
    groups = groups[["scenario", "group"]].dropna().drop_duplicates()
    twice = groups.loc[groups["scenario"].duplicated(), "scenario"]
    if len(twice):
        raise InputError(f"scenario `{twice.iloc[0]}` is put into two groups", where=where, fix="one row per scenario")
    merged = dict(zip(groups["scenario"], groups["group"], strict=True))
    lacking = [scenario for scenario in scenarios if scenario not in merged]
    if lacking:
        raise InputError(f"scenario `{lacking[0]}` of the labelled queries has no group", where=where)
    return merged


def train(queries: np.ndarray, scenarios: np.ndarray, seed: int) -> Classifier:
    """Train a classifier; regularisation by cross-validated accuracy, probabilities by temperature scaling.

    Parameters
    ----------
    queries, scenarios
        Arrays of shape (n,).
    seed
        Seed of the inner folds.

    Notes
    -----
    Multinomial logistic regression with an L2 penalty depends on its features by their inner products alone, so it is
    fitted in the coordinates of the linear kernel: the same model in a hundredth of the dimensions.
    """
    texts = shortened(queries)
    least = int(pd.Series(scenarios).value_counts().min())
    inner = StratifiedKFold(min(INNER_FOLDS, least), shuffle=True, random_state=seed)
    features = _features(len(texts), seed)
    search = GridSearchCV(_linear(), {"C": STRENGTHS}, cv=inner, refit=False)
    search.fit(features.fit_transform(texts), scenarios)
    # The words of a new query may be unknown, so the probabilities are scaled on queries that the features lack too.
    pipeline = make_pipeline(_features(len(texts), seed), _linear(**search.best_params_))
    model = CalibratedClassifierCV(pipeline, method="temperature", cv=inner, ensemble=False)
    return Classifier(model.fit(texts, scenarios))


def _linear(**keys) -> LogisticRegression:
    return LogisticRegression(max_iter=300, **keys)


def _features(n_queries: int, seed: int):
    solver = "dense" if n_queries <= DENSE else "randomized"
    components = COMPONENTS if n_queries > DENSE else None
    projection = KernelPCA(components, kernel="linear", eigen_solver=solver, remove_zero_eig=True, random_state=seed)
    return make_pipeline(_tfidf(), projection)


def _tfidf():
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2)
    return make_union(words, characters)


def held_out(labelled: Labelled, folds: int, seed: int) -> pd.DataFrame:
    """Predictions for every labelled query by a classifier that did not see it, in stratified folds.

    Returns
    -------
    DataFrame
        As `predictions`, and the true ones: `true_scenario`, `true_group`.
    """
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    parts = []
    for train_rows, test_rows in splitter.split(labelled.queries, labelled.scenarios):
        classifier = train(labelled.queries[train_rows], labelled.scenarios[train_rows], seed)
        part = predictions(classifier, labelled.queries[test_rows], labelled.groups)
        parts.append(part.assign(true_scenario=labelled.scenarios[test_rows]))
    table = pd.concat(parts, ignore_index=True)
    groups = labelled.groups
    return table.assign(true_group=table["true_scenario"].map(groups) if groups else None)


def predictions(classifier: Classifier, queries: np.ndarray, groups: dict[str, str] | None) -> pd.DataFrame:
    """Likeliest scenario and group of each query with their probabilities; a group's is the sum over its scenarios."""
    probabilities = pd.DataFrame(classifier.probabilities(queries), columns=classifier.scenarios)
    table = pd.DataFrame({"scenario": probabilities.idxmax(axis=1), "probability": probabilities.max(axis=1)})
    if groups is None:
        return table.assign(group=None, group_probability=np.nan)
    merged = probabilities.T.groupby(groups).sum().T
    return table.assign(group=merged.idxmax(axis=1), group_probability=merged.max(axis=1).clip(upper=1.0))


def quality_table(predicted: pd.DataFrame, min_probability: float) -> pd.DataFrame:
    """Table `scenario_quality` from `held_out`."""
    levels = {"scenario": ("scenario", "true_scenario", "probability")}
    if predicted["true_group"].notna().any():
        levels["group"] = ("group", "true_group", "group_probability")
    rows = []
    for level, (column, true, probability) in levels.items():
        frame = predicted[[column, true, probability]].set_axis(["said", "true", "probability"], axis=1)
        rows.append({"level": level, **_row(ALL, frame, frame, min_probability)})
        for name in sorted(frame["true"].unique()):
            own, said = frame[frame["true"] == name], frame[frame["said"] == name]
            rows.append({"level": level, **_row(name, own, said, min_probability)})
    return conform(pd.DataFrame(rows), "scenario_quality")


def _row(name: str, own: pd.DataFrame, said: pd.DataFrame, min_probability: float) -> dict:
    right = own["said"] == own["true"]
    interval = binomtest(int(right.sum()), len(own)).proportion_ci(method="wilson")
    sure = own["probability"] >= min_probability
    return {
        "scenario": name,
        "n_queries": len(own),
        "accuracy": right.mean(),
        "q025": interval.low,
        "q975": interval.high,
        "precision": (said["said"] == said["true"]).mean() if len(said) else None,
        "mean_probability": own["probability"].mean(),
        "sure_share": sure.mean(),
        "sure_accuracy": right[sure].mean() if sure.any() else None,
    }


def classify(labelled: Labelled, prompts: pd.DataFrame, settings: dict, seed: int) -> pd.DataFrame:
    """Table `scenarios`: what the classifier says about prompts, and what it assigns.

    Parameters
    ----------
    prompts
        Columns prompt_id, prompt.
    settings
        `level` (group or scenario), `min_probability`, `unsure`: the scenario of prompts below it, null for none.
    """
    prompts = prompts.drop_duplicates("prompt_id")
    if prompts.empty:
        return conform(pd.DataFrame(), "scenarios")
    classifier = train(labelled.queries, labelled.scenarios, seed)
    table = predictions(classifier, prompts["prompt"].to_numpy(dtype=object), labelled.groups)
    by_group = settings["level"] == "group" and labelled.groups is not None
    name, probability = ("group", "group_probability") if by_group else ("scenario", "probability")
    sure = table[probability] >= settings["min_probability"]
    assigned = table[name].astype(object).where(sure, settings["unsure"])
    table.insert(0, "prompt_id", prompts["prompt_id"].to_numpy())
    return conform(table.assign(assigned=assigned), "scenarios")


def assign(pairs: pd.DataFrame, scenarios: pd.DataFrame) -> pd.DataFrame:
    """Pairs with a scenario where they had none; what a source says, such as an unsafe query, stays."""
    said = scenarios.set_index("prompt_id")["assigned"]
    return pairs.assign(scenario=pairs["scenario"].where(pairs["scenario"].notna(), pairs["prompt_id"].map(said)))
