"""The tables that stages hand to each other: their columns, as pandera schemas. `docs/tables.md` is made from them."""

from __future__ import annotations

import pandera.pandas as pa

from prefdissect.comparison_schemas import COMPARISON_SCHEMAS
from prefdissect.manipulation_schemas import MANIPULATION_SCHEMAS
from prefdissect.reliability_schemas import RELIABILITY_SCHEMAS
from prefdissect.table_columns import VERDICTS
from prefdissect.table_columns import flag as _flag
from prefdissect.table_columns import number as _number
from prefdissect.table_columns import schema as _schema
from prefdissect.table_columns import text as _text
from prefdissect.table_columns import whole as _whole

ORDERS = ["ab", "ba"]
STATUSES = ["ok", "unparsed", "low_mass", "too_long", "refused", "failed"]
RATING_STATUSES = ["ok", "not_applicable", "failed"]


_PAIR = _text("pair the row belongs to")
_JUDGE = _text("judge, by its safe name")

SCHEMAS: dict[str, pa.DataFrameSchema] = {
    schema.name: schema
    for schema in (
        _schema(
            "pairs",
            ["pair_id"],
            {
                "pair_id": _text("stable name of the pair, unique in the study"),
                "prompt_id": _text("hash of the prompt and its earlier turns: the unit of resampling and of folds"),
                "prompt": _text("the user's last message"),
                "turns": _text('earlier messages as JSON [{"role", "content"}], null for one turn', nullable=True),
                "response_a": _text("first response"),
                "response_b": _text("second response"),
                "model_a": _text("author of response_a", nullable=True),
                "model_b": _text("author of response_b", nullable=True),
                "scenario": _text("scenario of the query", nullable=True),
                "source": _text("source of the study the pair came from"),
                "language": _text("language of the query", nullable=True),
                "reference": _text("reference answer", nullable=True),
            },
        ),
        _schema(
            "scenarios",
            ["prompt_id"],
            {
                "prompt_id": _text("prompt without a scenario of its source"),
                "scenario": _text("likeliest scenario"),
                "probability": _number("its calibrated probability", low=0, high=1),
                "group": _text("likeliest group of scenarios; null without groups", nullable=True),
                "group_probability": _number(
                    "its probability, summed over its scenarios", nullable=True, low=0, high=1
                ),
                "assigned": _text("scenario that the pairs get; null where the classifier is unsure", nullable=True),
            },
        ),
        _schema(
            "scenario_quality",
            ["level", "scenario"],
            {
                "level": _text("scenario, or group of scenarios", isin=["scenario", "group"]),
                "scenario": _text("scenario or group by its label; `all queries` together"),
                "n_queries": _whole("labelled queries, each predicted by a classifier that did not see it"),
                "accuracy": _number("share of them predicted rightly (recall)", low=0, high=1),
                "q025": _number("lower end of its 95 % interval (Wilson)", low=0, high=1),
                "q975": _number("upper end", low=0, high=1),
                "precision": _number(
                    "share of right ones among those predicted so; null where none is", nullable=True, low=0, high=1
                ),
                "mean_probability": _number("mean predicted probability: as large as the accuracy if calibrated"),
                "sure_share": _number("share with a probability of `min_probability` or more", low=0, high=1),
                "sure_accuracy": _number("accuracy of these; null where there is none", nullable=True, low=0, high=1),
            },
        ),
        _schema(
            "groups",
            ["pair_id", "group"],
            {
                "pair_id": _PAIR,
                "group": _text("scenario group, query-specific case or group defined by the study"),
                "kind": _text("where the group comes from", isin=["scenario", "case", "defined", "pooled"]),
            },
        ),
        _schema(
            "judgements",
            ["judge", "pair_id", "order", "sample"],
            {
                "judge": _JUDGE,
                "pair_id": _PAIR,
                "order": _text("which response was shown first; null = not applicable", nullable=True, isin=ORDERS),
                "sample": _whole("number of the repeat, from 0"),
                "logp_a": _number("log-probability of the answer token of response_a", nullable=True, high=1e-6),
                "logp_b": _number("log-probability of the answer token of response_b", nullable=True, high=1e-6),
                "rating_a": _number("rating of response_a by a judge that rates", nullable=True),
                "rating_b": _number("rating of response_b by a judge that rates", nullable=True),
                "mass": _number("probability on the two answer tokens together", nullable=True, low=0, high=1 + 1e-6),
                "verdict": _text(
                    "preferred response in stored terms, whatever was shown first; null = none was given",
                    nullable=True,
                    isin=VERDICTS,
                ),
                "status": _text("what became of the request", isin=STATUSES),
                "truncated": _flag("were the responses cut to fit"),
            },
        ),
        _schema(
            "preferences",
            ["judge", "pair_id"],
            {
                "judge": _JUDGE,
                "pair_id": _PAIR,
                "p_a": _number("preference for response_a, orders and samples combined", nullable=True, low=0, high=1),
                "preference": _text("a, b, tie, or null where the judge gave none", nullable=True, isin=VERDICTS),
                "margin": _number(
                    "strength of the preference: log-odds, rating difference or share, signed for a", nullable=True
                ),
                "consistent": _flag("do both orders agree; null with one order", nullable=True),
            },
        ),
        _schema(
            "query_info",
            ["annotator", "prompt_id"],
            {
                "annotator": _text("annotator"),
                "prompt_id": _text("prompt"),
                "clear_intent": _flag("is it clear what is wanted"),
                "feelings": _flag("does the user express feelings"),
                "constraints": _text("JSON list of explicit constraints"),
                "stances": _text("JSON list of explicit subjective stances"),
                "mistakes": _text("JSON list of explicit mistakes or biases"),
                "reference": _text("reference answer", nullable=True),
            },
        ),
        _schema(
            "annotations",
            ["annotator", "pair_id", "property", "item"],
            {
                "annotator": _text("annotator"),
                "pair_id": _PAIR,
                "property": _text("property, by the catalogue's name"),
                "item": _whole("which constraint, stance or mistake; 0 elsewhere"),
                "score_a": _number(
                    "score of response_a on the catalogue's scale; null unless status is ok", nullable=True
                ),
                "score_b": _number("score of response_b", nullable=True),
                "status": _text(
                    "ok; not_applicable (the query has no such case, errors cannot be checked); failed",
                    isin=RATING_STATUSES,
                ),
            },
        ),
        _schema(
            "annotation_repeats",
            ["annotator", "pair_id", "property", "item", "repeat", "order"],
            {
                "annotator": _text("annotator"),
                "pair_id": _PAIR,
                "property": _text("property, by the catalogue's name"),
                "item": _whole("which constraint, stance or mistake; 0 elsewhere"),
                "repeat": _whole("number of the repeat, from 0; the first is in `annotations` too"),
                "order": _text(
                    "which response was shown first; null where each was rated by itself", nullable=True, isin=ORDERS
                ),
                "score_a": _number(
                    "score of response_a, whatever was shown first; null unless status is ok", nullable=True
                ),
                "score_b": _number("score of response_b", nullable=True),
                "status": _text("as in `annotations`", isin=RATING_STATUSES),
            },
        ),
        _schema(
            "errors",
            ["annotator", "pair_id", "response", "n"],
            {
                "annotator": _text("annotator"),
                "pair_id": _PAIR,
                "response": _text("a or b", isin=["a", "b"]),
                "n": _whole("number of the error in its response"),
                "type": _text("kind of error", nullable=True),
                "severity": _text("severity", isin=["minor", "moderate", "severe"]),
                "description": _text("what is wrong", nullable=True),
            },
        ),
        _schema(
            "features",
            ["pair_id", "property"],
            {
                "pair_id": _PAIR,
                "property": _text("property"),
                "sign": _whole("-1, 0 or 1; positive when response_a has more of the property", low=-1, high=1),
                "graded": _number("graded difference", low=-1, high=1),
                "annotator": _text("annotator it came from"),
            },
        ),
        _schema(
            "dropped_pairs",
            ["pair_id", "property"],
            {
                "pair_id": _PAIR,
                "property": _text("property that could not be had"),
                "annotator": _text("annotator"),
                "reason": _text("why the pair leaves every fit"),
            },
        ),
        _schema(
            "coefficients",
            ["judge", "group", "property", "estimator"],
            {
                "judge": _JUDGE,
                "group": _text("group of pairs, or overall (mean over scenario groups)"),
                "property": _text("property"),
                "estimator": _text("estimator"),
                "mean": _number("effect strength alpha (log-odds)"),
                "sd": _number("its standard deviation", nullable=True, low=0),
                "q025": _number("2.5 % quantile", nullable=True),
                "q975": _number("97.5 % quantile", nullable=True),
                "fold_mean": _number("mean over the ten published folds; no interval", nullable=True),
                "degree": _number("degree of preference, 100 sigmoid(alpha); 50 is neutral", low=0, high=100),
                "degree_q025": _number("its 2.5 % quantile", nullable=True, low=0, high=100),
                "degree_q975": _number("its 97.5 % quantile", nullable=True, low=0, high=100),
                "false_sign": _number(
                    "share of draws that are zero or of the other sign; null where mean is 0",
                    nullable=True,
                    low=0,
                    high=1,
                ),
                "word": _text(
                    "plain word for the effect", isin=["rewards", "penalises", "not distinguishable", "no interval"]
                ),
                "n_pairs": _whole("pairs in the fit"),
            },
        ),
        _schema(
            "fit_quality",
            ["judge", "group", "estimator"],
            {
                "judge": _JUDGE,
                "group": _text("group of pairs"),
                "estimator": _text("estimator"),
                "n_pairs": _whole("pairs in the fit"),
                "n_prompts": _whole("distinct prompts in the fit"),
                "n_undecided": _whole("pairs of the group that this judge left undecided"),
                "n_missing": _whole("pairs of the group without a preference of this judge"),
                "accuracy": _number("held-out accuracy, folds by prompt", nullable=True, low=0, high=1),
                "log_loss": _number("held-out log loss (nats)", nullable=True, low=0),
                "brier": _number("held-out Brier score", nullable=True, low=0, high=1),
                "auc": _number("held-out area under the ROC curve", nullable=True, low=0, high=1),
                "calibration_error": _number("expected calibration error, ten bins", nullable=True, low=0, high=1),
                "majority_accuracy": _number("accuracy of always naming the majority, same folds", nullable=True),
                "length_accuracy": _number("accuracy of naming the clearly longer response, ties half", nullable=True),
                "rhat": _number("largest split R-hat of the fits; null where nothing was sampled", nullable=True),
                "ess": _number("smallest effective sample size of the fits", nullable=True, low=0),
                "divergences": _number("divergent transitions of all fits", nullable=True, low=0),
                "skipped": _text("why the cell was not fitted; null where it was", nullable=True),
            },
        ),
        _schema(
            "against_published",
            ["judge", "group", "estimator", "property"],
            {
                "judge": _JUDGE,
                "group": _text("group of pairs"),
                "estimator": _text("estimator"),
                "property": _text("property"),
                "fold_mean": _number("effect strength by the published fold procedure"),
                "published": _number("published effect strength"),
                "difference": _number("fold_mean - published"),
                "q025": _number("2.5 % quantile of the full-data fit", nullable=True),
                "q975": _number("97.5 % quantile", nullable=True),
                "inside": _flag("the published value lies between them; null without interval", nullable=True),
            },
        ),
        _schema(
            "against_published_summary",
            ["judge", "group", "estimator"],
            {
                "judge": _JUDGE,
                "group": _text("group of pairs"),
                "estimator": _text("estimator"),
                "n_properties": _whole("properties compared"),
                "n_pairs": _whole("pairs in our fit"),
                "n_pairs_listed": _whole("pairs of the published group; 0 where its list is not there"),
                "largest_difference": _number("largest |fold_mean - published|", low=0),
                "rms_difference": _number("root mean square of the differences", low=0),
                "correlation": _number("Pearson correlation over the properties", nullable=True, low=-1, high=1),
            },
        ),
        _schema(
            "property_statistics",
            ["group", "property"],
            {
                "group": _text("group of pairs"),
                "property": _text("property"),
                "n_pairs": _whole("pairs of the group with features"),
                "frequency": _number(
                    "share of them in which the property differs; null without pairs", nullable=True, low=0, high=1
                ),
                "positive_share": _number(
                    "share of these in which response_a has more; null where it never differs",
                    nullable=True,
                    low=0,
                    high=1,
                ),
                "vif": _number(
                    "variance inflation factor, uncentred; null where the property never differs or is collinear",
                    nullable=True,
                    low=1,
                ),
                "collinear_with": _text(
                    "properties it is an exact linear combination of; null where there is none", nullable=True
                ),
                "largest_correlation": _number(
                    "largest absolute uncentred correlation, with its sign", nullable=True, low=-1, high=1
                ),
                "correlated_with": _text("that property", nullable=True),
            },
        ),
        _schema(
            "property_correlations",
            ["group", "property_1", "property_2"],
            {
                "group": _text("group of pairs"),
                "property_1": _text("property"),
                "property_2": _text("another property, later in the catalogue"),
                "correlation": _number(
                    "uncentred correlation; null where one never differs", nullable=True, low=-1, high=1
                ),
            },
        ),
        _schema(
            "contributions",
            ["judge", "group", "estimator", "pair_id", "property"],
            {
                "judge": _JUDGE,
                "group": _text("group whose coefficients were used"),
                "estimator": _text("estimator"),
                "pair_id": _PAIR,
                "property": _text("property in which the two responses differ; where they do not there is no row"),
                "log_odds": _number("contribution to the log-odds for response_a, alpha times feature"),
                "probability": _number(
                    "Shapley value of the probability; sums over a pair to P(a preferred) - 1/2", low=-1, high=1
                ),
            },
        ),
        *RELIABILITY_SCHEMAS,
        *COMPARISON_SCHEMAS,
        *MANIPULATION_SCHEMAS,
    )
}
