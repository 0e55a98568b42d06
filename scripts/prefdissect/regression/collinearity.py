"""What the data cannot tell apart: how often properties differ, and how much they differ together.

All measures are uncentred (about 0, not about the column means). The model has no intercept, and which response is
stored as A is arbitrary: exchanging A and B of a pair negates its row of features and its label and leaves the
likelihood as it was. X'X does not change either, so that no correlation or variance inflation here does; column means
and Pearson's correlation would.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.errors import InputError

ROWS_AT_ONCE = 65_536
# An eigenvalue of the correlation matrix below this is 0 but for rounding. Two properties that differ in their signs
# in one pair of a million leave one of 5e-7.
NULL_EIGENVALUE = 1e-10
# Size of an entry of a relation of length 1 below which it is rounding. A property that differs in one pair of a
# million enters a relation with 1e-3 of the weight of those that always do.
NULL_ENTRY = 1e-6


def property_statistics(matrix: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Frequency and collinearity of every property in every group.

    Parameters
    ----------
    matrix : DataFrame, shape (n, p)
        Features: index pair_id, one column per property.
    groups : DataFrame
        Table `groups` (columns pair_id, group); pairs without features are left out.

    Returns
    -------
    DataFrame
        One row per group and property, with the columns

        - `n_pairs`: pairs of the group with features.
        - `frequency`: share of them in which the property differs (feature not 0); null without pairs.
        - `positive_share`: share of these in which response A has more of it; null where it never differs.
        - `vif`: variance inflation factor 1 / (1 - R^2), the uncentred R^2 of the property regressed on all others
          without intercept: diagonal of the inverse of the correlation matrix (Marquardt 1970, *Generalized inverses,
          ridge regression, biased linear estimation, and nonlinear estimation*). 1 where no other moves with it. Null
          where the property never differs or is an exact linear combination of others.
        - `collinear_with`: those others, joined by ", "; null where there is none.
        - `largest_correlation`, `correlated_with`: correlation with the property nearest to it (largest absolute
          value, the first of equals), and its name; null where no other differs.

    Raises
    ------
    InputError
        When a feature is null or infinite, a pair or property occurs twice, or a pair is twice in a group.
    """
    names = matrix.columns.to_numpy(dtype=object)
    tables = [_statistics(names, *sums).assign(group=group) for group, *sums in _sums_by_group(matrix, groups)]
    columns = ["n_pairs", "frequency", "positive_share", "vif", "collinear_with"]
    columns = ["group", "property", *columns, "largest_correlation", "correlated_with"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def property_correlations(matrix: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Uncentred correlation of every two properties in every group.

    The correlation is sum_i x_ij x_ik / sqrt(sum_i x_ij^2 sum_i x_ik^2), the cosine of two columns. With signs it is
    (pairs in which both favour the same response - pairs in which they favour different ones) / sqrt(n_j n_k), n_j the
    pairs in which property j differs. Unlike Pearson's it does not depend on which response is stored as A.

    Parameters
    ----------
    matrix, groups
        As in `property_statistics`.

    Returns
    -------
    DataFrame
        Columns group, property_1, property_2, correlation; every two properties once, in the order of the columns;
        null where one of them never differs.

    Raises
    ------
    InputError
        As `property_statistics`.
    """
    names = matrix.columns.to_numpy(dtype=object)
    first, second = np.triu_indices(len(names), 1)
    tables = [
        pd.DataFrame(
            {
                "group": group,
                "property_1": names[first],
                "property_2": names[second],
                "correlation": _correlation(gram)[first, second],
            }
        )
        for group, _, _, _, gram in _sums_by_group(matrix, groups)
    ]
    columns = ["group", "property_1", "property_2", "correlation"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _sums_by_group(matrix: pd.DataFrame, groups: pd.DataFrame):
    """Yield (group, pairs, pairs that differ (p,), pairs with a positive feature (p,), X'X (p, p))."""
    x = _features(matrix)
    rows = matrix.index.get_indexer(groups["pair_id"])
    numbers, names = pd.factorize(groups["group"])
    for number, group in enumerate(names):
        mine = rows[(numbers == number) & (rows >= 0)]
        if len(mine) and np.bincount(mine).max() > 1:
            pair = matrix.index[np.bincount(mine).argmax()]
            raise InputError(f"pair `{pair}` is twice in group `{group}`", fix="one row per pair and group")
        yield group, len(mine), *_sums(x, mine)


def _features(matrix: pd.DataFrame) -> np.ndarray:
    for axis, what in ((matrix.index, "pair"), (matrix.columns, "property")):
        if axis.has_duplicates:
            raise InputError(f"{what} `{axis[axis.duplicated()][0]}` occurs twice in the features")
    x = matrix.to_numpy(float)
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise InputError(
            f"the feature `{matrix.columns[column]}` is null or infinite", where=f"pair `{matrix.index[row]}`"
        )
    return x


def _sums(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p = x.shape[1]
    differ, positive, gram = np.zeros(p, dtype=np.int64), np.zeros(p, dtype=np.int64), np.zeros((p, p))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = x[rows[start : start + ROWS_AT_ONCE]]
        differ += np.count_nonzero(block, axis=0)
        positive += np.count_nonzero(block > 0, axis=0)
        gram += block.T @ block
    return differ, positive, gram


def _correlation(gram: np.ndarray) -> np.ndarray:
    """Correlation matrix, null in the rows and columns of properties that never differ."""
    length = np.sqrt(np.diag(gram))
    length = np.where(length > 0, length, np.nan)
    # Rounding may leave the last digit above 1.
    return np.clip(gram / np.outer(length, length), -1, 1)


def _statistics(names: np.ndarray, n_pairs: int, differ, positive, gram: np.ndarray) -> pd.DataFrame:
    correlation = _correlation(gram)
    vif, partners = _inflation(correlation)
    largest, nearest = _nearest(correlation)
    return pd.DataFrame(
        {
            "property": names,
            "n_pairs": n_pairs,
            "frequency": differ / n_pairs if n_pairs else np.nan,
            "positive_share": positive / np.where(differ > 0, differ, np.nan),
            "vif": vif,
            "collinear_with": _text([", ".join(names[row]) if row.any() else None for row in partners]),
            "largest_correlation": largest,
            "correlated_with": _text([names[k] if known else None for k, known in zip(nearest, ~np.isnan(largest))]),
        }
    )


def _text(values: list[str | None]) -> pd.Series:
    """The same type in every group, also where all are null."""
    return pd.Series(values, dtype="str")


def _inflation(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variance inflation factors (p,), null where there is none, and who is collinear with whom (p, p).

    The null space holds the exact relations among the columns, and the projection of unit vector j onto it is one in
    which property j takes part: j is a linear combination of the others with an entry there. Where that projection
    vanishes, the pseudo-inverse has the right diagonal.
    """
    vif = np.full(len(correlation), np.nan)
    partners = np.zeros(correlation.shape, dtype=bool)
    differs = np.flatnonzero(~np.isnan(np.diag(correlation)))
    value, vector = np.linalg.eigh(correlation[np.ix_(differs, differs)])
    null, regular = vector[:, value <= NULL_EIGENVALUE], vector[:, value > NULL_EIGENVALUE]
    length = np.linalg.norm(null, axis=1)
    collinear = length > NULL_ENTRY
    relations = np.abs(null @ null.T) > NULL_ENTRY * length[:, None]
    np.fill_diagonal(relations, False)
    partners[np.ix_(differs, differs)] = relations & collinear[:, None]
    diagonal = (regular**2 / value[value > NULL_EIGENVALUE]).sum(axis=1)
    vif[differs] = np.where(collinear, np.nan, np.maximum(diagonal, 1))
    return vif, partners


def _nearest(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every property the correlation of largest absolute value with another, null without one, and its column."""
    size = np.where(np.isnan(correlation), -1, np.abs(correlation))
    np.fill_diagonal(size, -1)
    nearest, own = size.argmax(axis=1), np.arange(len(size))
    return np.where(size[own, nearest] >= 0, correlation[own, nearest], np.nan), nearest
