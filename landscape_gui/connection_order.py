"""The order of several models by what stands between them: clustering, the spanning tree of barriers, places on a plane."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from landscape_gui.results import Array, freeze


class Scaled(NamedTuple):
    """Places (k, 2) on a plane, and the share of the squared distances about their centre that the plane holds."""

    places: Array
    share: float


def dissimilarities(values: Array) -> Array:
    """(k, k) symmetric, zero on the diagonal and finite: below zero counts as nothing between, what is infinite as twice the
    largest, and what is not known as the mean of the known."""
    found = np.array(values, dtype=np.float64)
    found = np.fmax(found, found.T).clip(min=0.0)
    off = ~np.eye(len(found), dtype=bool)
    finite = np.isfinite(found) & off
    largest = float(found[finite].max()) if finite.any() else 1.0
    found[np.isinf(found)] = 2 * largest or 1.0
    known = off & ~np.isnan(found)
    found[np.isnan(found)] = float(found[known].mean()) if known.any() else 1.0
    np.fill_diagonal(found, 0.0)
    return found


def clustering_order(barriers: Array) -> Array:
    """(k,) the models ordered by average-linkage clustering, the leaves turned so that neighbours are alike (Bar-Joseph et al.
    2001), and of the two directions the one that begins with the earlier model. barriers: (k, k); cost: of the order k^3."""
    count = len(barriers)
    if count < 3:
        return freeze(np.arange(count), int)
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    packed = squareform(dissimilarities(barriers), checks=False)
    order = leaves_list(linkage(packed, method="average", optimal_ordering=True))
    return freeze(order if order[0] < order[-1] else order[::-1], int)


def spanning_tree(barriers: Array, distances: Array | None = None) -> Array:
    """(edges, 2) of the minimum spanning tree, the lowest barrier first, each edge from the earlier model to the later.

    A barrier of zero is an edge as good as any; of equal barriers the one over the smaller of `distances` counts, then the earlier.
    What is not known, NaN, is no edge: the tree then is a forest. Kruskal's algorithm.
    """
    count = len(barriers)
    both = np.fmax(barriers, np.transpose(barriers))
    first, second = np.triu_indices(count, 1)
    known = ~np.isnan(both[first, second])
    first, second = first[known], second[known]
    apart = np.zeros(len(first)) if distances is None else np.nan_to_num(np.fmax(distances, np.transpose(distances))[first, second])
    order = np.lexsort((second, first, apart, both[first, second]))
    root = np.arange(count)
    edges = []
    for a, b in zip(first[order], second[order], strict=True):
        if root[a] != root[b]:
            root[root == root[b]] = root[a]
            edges.append((a, b))
    return freeze(np.array(edges, dtype=int).reshape(-1, 2), int)


def classical_scaling(distances: Array) -> Scaled:
    """Places on a plane whose distances are as near to those asked for as a projection's can be: classical multidimensional scaling
    (Torgerson 1952), centred, the largest extent along x. Signs are such that the first model lies to the left and below."""
    count = len(distances)
    if count < 2:
        return Scaled(freeze(np.zeros((count, 2))), 1.0)
    centring = np.eye(count) - 1 / count
    gram = -0.5 * centring @ dissimilarities(distances) ** 2 @ centring
    values, vectors = np.linalg.eigh((gram + gram.T) / 2)
    top = np.argsort(-values, kind="stable")[:2]
    places = vectors[:, top] * np.sqrt(values[top].clip(min=0.0))
    signs = [-1.0 if column[np.argmax(np.abs(column) > 1e-9 * np.abs(column).max(initial=0.0))] > 0 else 1.0 for column in places.T]
    total = float(values.clip(min=0.0).sum())
    share = float(values[top].clip(min=0.0).sum()) / total if total > 0 else 1.0
    return Scaled(freeze(places * signs), share)
