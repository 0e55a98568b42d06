"""The tables of the comparison of judges."""

from __future__ import annotations

import pandera.pandas as pa

from prefdissect.table_columns import VERDICTS, flag, number, schema, text, whole

_JUDGE = text("judge, by its safe name")
_GROUP = text("group, or overall")
_SIMILARITY = number("similarity", nullable=True, low=-1 - 1e-9, high=1 + 1e-9)
_FALSE_SIGN = number(
    "share of resamples whose difference is zero or of the other sign; null where it is 0", nullable=True, low=0, high=1
)
_INTERVAL = {
    "q025": number("lower end of the 95 % interval", nullable=True),
    "q975": number("upper end of the 95 % interval", nullable=True),
    "interval": text("what was resampled for it: prompts or scenario groups; null without interval", nullable=True),
}
_UNJUDGED = ["not distinguishable", "not judged", "no interval"]
_WHERE = {
    "group": _GROUP,
    "estimator": text("estimator"),
    "metric": text("metric of the table `similarity`"),
}


def _difference(first: str, second: str) -> dict[str, pa.Column]:
    return {
        "property": text("property"),
        "effect_1": number(f"effect strength of the {first} one (log-odds)"),
        "effect_2": number(f"effect strength of the {second} one"),
        "difference": number(f"{first} - {second}"),
        "q025": number("lower end of its 95 % interval", nullable=True),
        "q975": number("upper end of its 95 % interval", nullable=True),
        "degree_difference": number("difference of degrees of preference (points)"),
        "degree_q025": number("lower end of its 95 % interval", nullable=True),
        "degree_q975": number("upper end of its 95 % interval", nullable=True),
        "false_sign": _FALSE_SIGN,
        "word": text("plain word", isin=["first rewards more", "first rewards less", *_UNJUDGED]),
        "interval": _INTERVAL["interval"],
    }


COMPARISON_SCHEMAS = (
    schema(
        "similarity",
        ["group", "judge_1", "judge_2", "estimator", "metric"],
        {
            "group": text("group, or overall"),
            "judge_1": _JUDGE,
            "judge_2": _JUDGE,
            "estimator": text("estimator; `labels` for metrics on verdicts"),
            "metric": text(
                "on coefficients: pearson, spearman, cosine, pearson_corrected (for attenuation); on preferences: "
                "agreement, kappa"
            ),
            "value": number("similarity", nullable=True, low=-1 - 1e-9, high=1 + 1e-9),
            **_INTERVAL,
        },
    ),
    schema(
        "judge_reliability",
        ["judge", "group", "estimator"],
        {
            "judge": _JUDGE,
            "group": text("group, or overall (moments averaged over scenario groups)"),
            "estimator": text("estimator"),
            "reliability": number(
                "share of the variance of coefficients over properties that is not noise; below 0 where resamples "
                "vary more than properties; null where the coefficients are all equal",
                nullable=True,
                high=1,
            ),
        },
    ),
    schema(
        "clusters",
        ["judge"],
        {
            "judge": _JUDGE,
            "cluster": whole("cluster number, from 1", low=1),
            "together": number(
                "mean share of resamples in which it falls into one cluster with each judge of its own cluster",
                nullable=True,
                low=0,
                high=1,
            ),
            "apart": number("the same with judges of other clusters", nullable=True, low=0, high=1),
        },
    ),
    schema(
        "cluster_numbers",
        ["n_clusters"],
        {
            "n_clusters": whole("number of clusters", low=2),
            "silhouette": number("mean silhouette of the cut into so many", low=-1, high=1),
            "chosen": flag("is it the number shown: that of the largest silhouette, or the study's own"),
            "share_chosen": number(
                "share of resamples in which it has the largest silhouette", nullable=True, low=0, high=1
            ),
            "rand": number(
                "mean adjusted Rand index of this cut and that of each resample; 1 = the same, 0 = chance",
                nullable=True,
                high=1,
            ),
            "rand_q025": number("its 2.5 % quantile", nullable=True),
            "rand_q975": number("its 97.5 % quantile", nullable=True),
        },
    ),
    schema(
        "linkage",
        ["node"],
        {
            "node": whole("number of the merge; leaves come before"),
            "left": whole("left child"),
            "right": whole("right child"),
            "height": number("1 - similarity at which they merge", low=-1e-9),
            "size": whole("judges below"),
            "support": number("share of resamples in which this cluster occurs", nullable=True, low=0, high=1),
        },
    ),
    schema(
        "attribute_similarity",
        ["attribute", "within", "cuts", "group", "estimator", "metric", "comparison", "value_of_attribute"],
        {
            "attribute": text("attribute of the judges' records"),
            "within": text("attribute whose strata it was compared within; null for none", nullable=True),
            "cuts": text("where a numeric attribute was divided; null where it was not", nullable=True),
            "chosen_after_seeing": flag("was the division chosen after seeing the data; then p_value is too small"),
            **_WHERE,
            "comparison": text(
                "within (one value, or all where value_of_attribute is null), between, difference (within - between)",
                isin=["within", "between", "difference"],
            ),
            "value_of_attribute": text("value of the attribute", nullable=True),
            "n_judges": whole("judges compared"),
            "n_similarities": whole("pairs of judges with a similarity, of one stratum"),
            "value": number("mean similarity, or difference of means", nullable=True, low=-2 - 1e-9, high=2 + 1e-9),
            **_INTERVAL,
            "p_value": number(
                "one-sided: share of arrangements of the attribute over judges with at least this difference",
                nullable=True,
                low=0,
                high=1,
            ),
            "n_permutations": number("arrangements tried beside the actual one, or all of them", nullable=True, low=0),
            "exact": flag("were all arrangements tried", nullable=True),
        },
    ),
    schema(
        "base_similarity",
        ["base", "judge", "group", "estimator", "metric"],
        {
            "base": text("base judge"),
            "judge": text("its aligned version, or their mean"),
            "n_judges": whole("aligned versions", low=1),
            **_WHERE,
            "value": _SIMILARITY,
            **_INTERVAL,
        },
    ),
    schema(
        "nearest_judges",
        ["judge", "rank", "group", "estimator", "metric"],
        {
            "judge": _JUDGE,
            "rank": whole("1 for the most similar other judge", low=1),
            "neighbour": text("that judge"),
            **_WHERE,
            "value": _SIMILARITY,
            **_INTERVAL,
            "share_nearest": number(
                "share of resamples in which it is the nearest of all", nullable=True, low=0, high=1
            ),
        },
    ),
    schema(
        "control_similarity",
        ["judge", "control", "group", "estimator", "metric"],
        {
            "judge": _JUDGE,
            "control": text("judge of kind `rule`"),
            "rule": text("its rule"),
            **_WHERE,
            "value": _SIMILARITY,
            **_INTERVAL,
        },
    ),
    schema(
        "judge_differences",
        ["judge_1", "judge_2", "group", "estimator", "property"],
        {
            "judge_1": text("first judge"),
            "judge_2": text("second judge"),
            "group": _GROUP,
            "estimator": text("estimator"),
            **_difference("first", "second"),
        },
    ),
    schema(
        "group_differences",
        ["judge", "group_1", "group_2", "estimator", "property"],
        {
            "judge": _JUDGE,
            "group_1": text("first group"),
            "group_2": text("second group"),
            "estimator": text("estimator"),
            **_difference("first", "second"),
        },
    ),
    schema(
        "base_differences",
        ["base", "judge", "group", "estimator", "property"],
        {
            "base": text("base judge: the second one of each difference"),
            "judge": text("its aligned version, or their mean: the first one of each difference"),
            "n_judges": whole("aligned versions", low=1),
            "group": _GROUP,
            "estimator": text("estimator"),
            **_difference("aligned", "base"),
        },
    ),
    schema(
        "drift",
        ["older", "newer", "group", "estimator", "property"],
        {
            "older": text("older version"),
            "newer": text("newer version"),
            "group": _GROUP,
            "estimator": text("estimator"),
            "property": text("property"),
            "effect_older": number("effect strength of the older version (log-odds)"),
            "effect_newer": number("effect strength of the newer version"),
            "move": number("newer - older"),
            "q025": number("lower end of its 95 % interval", nullable=True),
            "q975": number("upper end of its 95 % interval", nullable=True),
            "degree_move": number("difference of degrees of preference (points)"),
            "degree_q025": number("lower end of its 95 % interval", nullable=True),
            "degree_q975": number("upper end of its 95 % interval", nullable=True),
            "false_sign": _FALSE_SIGN,
            "word": text("plain word", isin=["moved up", "moved down", *_UNJUDGED]),
            "interval": _INTERVAL["interval"],
        },
    ),
    schema(
        "flip_counts",
        ["older", "newer", "group"],
        {
            "older": text("older version"),
            "newer": text("newer version"),
            "group": text("group of pairs"),
            "n_decided": whole("pairs that both versions decided"),
            "n_flipped": whole("pairs on which they prefer different responses"),
            "share_flipped": number("n_flipped / n_decided", nullable=True, low=0, high=1),
            **_INTERVAL,
            "n_became_undecided": whole("decided by the older version, a tie for the newer one"),
            "n_became_decided": whole("a tie for the older version, decided by the newer one"),
        },
    ),
    schema(
        "flipped_pairs",
        ["older", "newer", "pair_id"],
        {
            "older": text("older version"),
            "newer": text("newer version"),
            "pair_id": text("pair of responses"),
            "change": text("what changed", isin=["flipped", "became undecided", "became decided"]),
            "preference_older": text("preference of the older version", isin=VERDICTS),
            "preference_newer": text("preference of the newer version", isin=VERDICTS),
            "margin_older": number("its margin, signed for a", nullable=True),
            "margin_newer": number("its margin, signed for a", nullable=True),
        },
    ),
)
