"""Pair the rows of a cost matrix with its columns at the least total cost, exactly."""

import numpy as np
from numpy.typing import NDArray


def assign(cost: NDArray[np.float64], limit: float) -> list[tuple[int, int]]:
    """Pair rows with columns so that the pairs cost least, where staying single costs ``limit`` a row.

    The Hungarian method with row and column potentials, adding one row at a time along a shortest augmenting
    path (Kuhn 1955; Jonker and Volgenant 1987). Every row gets a column of its own that stands for "single",
    so that forbidden pairs never make the problem unsolvable.

    Args:
        cost: (N, M) cost of each pair; ``inf`` forbids a pair.
        limit: What a row without a partner costs; pairs at or above it are never made.

    Returns:
        The (row, column) pairs, by row. Rows and columns that stay single are left out.

    Raises:
        ValueError: If a cost is NaN or ``-inf``, or the limit is not finite.
    """
    cost = np.asarray(cost, dtype=np.float64)
    if cost.ndim != 2 or np.isnan(cost).any() or np.isneginf(cost).any() or not np.isfinite(limit):
        raise ValueError("costs must form a matrix of numbers above -inf, and the limit must be finite")
    rows, columns = cost.shape
    if rows == 0 or columns == 0:
        return []
    # A pair at the limit saves nothing over staying single: forbid it. The finite stand-in for "forbidden" is
    # dearer than any whole solution without such a pair, and keeps the potentials finite.
    forbidden = cost >= limit
    dear = (abs(limit) + float(np.abs(cost[~forbidden]).max(initial=0.0)) + 1.0) * (rows + 1)
    padded = np.full((rows, columns + rows), dear)
    padded[:, :columns][~forbidden] = cost[~forbidden]
    padded[np.arange(rows), columns + np.arange(rows)] = limit
    partner = _cheapest_columns(padded)
    return [(row, int(column)) for row, column in enumerate(partner) if column < columns]


def _cheapest_columns(cost: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the column of every row in the cheapest complete assignment of an (N, M) matrix with N <= M."""
    rows, columns = cost.shape
    # Index `columns` is a virtual column from which the path of each new row starts.
    row_of = np.full(columns + 1, -1, dtype=np.intp)
    row_price, column_price = np.zeros(rows), np.zeros(columns + 1)
    for row in range(rows):
        row_of[columns] = row
        here = columns
        slack = np.full(columns, np.inf)
        came_from = np.full(columns, columns, dtype=np.intp)
        seen = np.zeros(columns + 1, dtype=np.bool_)
        while row_of[here] >= 0:
            seen[here] = True
            open_ = ~seen[:columns]
            reduced = cost[row_of[here]] - row_price[row_of[here]] - column_price[:columns]
            better = open_ & (reduced < slack)
            slack[better] = reduced[better]
            came_from[better] = here
            nearest = int(np.argmin(np.where(open_, slack, np.inf)))
            step = slack[nearest]
            row_price[row_of[seen]] += step
            column_price[seen] -= step
            slack[open_] -= step
            here = nearest
        while here != columns:  # shift the partners along the path, back to the virtual column
            row_of[here] = row_of[came_from[here]]
            here = int(came_from[here])
    partner = np.empty(rows, dtype=np.intp)
    taken = np.flatnonzero(row_of[:columns] >= 0)
    partner[row_of[taken]] = taken
    return partner
