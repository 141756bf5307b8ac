"""Unification of axes: what moves together, what is cut, what is held."""

from __future__ import annotations

import pytest

from landscape_gui.core.symbolic_axes import (
    ONE,
    SPLIT,
    Atom,
    Concat,
    Node,
    Product,
    atoms,
    cut,
    factor,
    held,
    hold,
    resolve,
    unify,
)


def sizes(node: Node) -> list[int]:
    return [atom.size for atom in atoms(node)]


def free(node: Node) -> bool:
    return not any(atom.reason for atom in atoms(node))


def test_two_axes_become_one() -> None:
    a, b, c = Atom(8), Atom(8), Atom(8)
    unify(a, b)
    unify(b, c)
    assert resolve(a) is resolve(b) is resolve(c)
    unify(a, c)
    assert free(a)


def test_what_is_held_holds_what_joins_it_and_the_first_reason_stays() -> None:
    a, b = Atom(8), Atom(8)
    unify(a, b)
    hold(a, "because")
    hold(b, "for another reason")
    assert [atom.reason for atom in atoms(b)] == ["because"]
    c = Atom(8)
    unify(c, held(8, "held"))
    assert [atom.reason for atom in atoms(c)] == ["held"]


def test_axes_of_different_sizes_are_held_for_good() -> None:
    a, b = Atom(8), Atom(6)
    unify(a, b)
    assert [atom.reason for node in (a, b) for atom in atoms(node)] == [SPLIT, SPLIT]


def test_flattening_keeps_channels_apart_from_places() -> None:
    """Identity of a flattened feature map: channels x rows x columns, and back."""
    channels, rows, columns = Atom(6), held(3, "place"), held(4, "place")
    (flat,) = factor(Product((channels, rows, columns)), (72,))
    weight = Atom(72)
    unify(flat, weight)
    assert sizes(weight) == [6, 3, 4] and next(atoms(weight)) is channels and not channels.reason
    back = factor(flat, (6, 3, 4))
    assert [resolve(node) for node in back] == [channels, rows, columns]


def test_a_new_axis_is_split_into_factors_that_stay_free() -> None:
    width = Atom(24)
    heads, inside = factor(width, (3, 8))
    assert sizes(width) == [3, 8] and free(width)
    (joined,) = factor(Product((heads, inside)), (24,))
    unify(joined, Atom(24))
    assert free(width)
    other = factor(width, (6, 4))
    assert sizes(width) == [3, 2, 4] and free(width)
    assert [node.size for node in other] == [6, 4]


def test_factors_that_do_not_divide_one_another_are_held() -> None:
    first, second = Atom(4), Atom(6)
    assert [sizes(node) for node in factor(Product((first, second)), (8, 3))] == [[4, 2], [3]] and free(second)
    third, fourth = Atom(4), Atom(6)
    mixed = factor(Product((third, fourth)), (6, 4))
    assert [atom.reason for node in (*mixed, third, fourth) for atom in atoms(node)] == [SPLIT] * 4


def test_features_side_by_side_are_matched_piece_by_piece() -> None:
    a, b = Atom(5), Atom(3)
    weight = Atom(8)
    unify(weight, Concat((a, b)))
    assert list(atoms(weight)) == [a, b]
    other = Concat((Atom(2), Atom(6)))
    unify(weight, other)  # cuts the first five into two and three
    assert sizes(weight) == sizes(other) == [2, 3, 3] and free(weight)


@pytest.mark.parametrize("lengths", [[4, 4], [2, 6], [3, 3, 2], [8]])
def test_pieces_of_an_axis_lie_side_by_side_in_it(lengths: list[int]) -> None:
    axis = Atom(8)
    pieces = cut(axis, lengths)
    assert list(atoms(axis)) == [resolve(piece) for piece in pieces]
    assert sizes(axis) == lengths and free(axis)
    fixed = held(8, "held")
    assert [atom.reason for piece in cut(fixed, lengths) for atom in atoms(piece)] == ["held"] * len(lengths)


def test_a_cut_through_a_flattened_map_goes_between_channels_or_holds() -> None:
    channels, places = Atom(6), held(4, "place")
    first, second = cut(Product((channels, places)), [8, 16])
    assert sizes(first) == [2, 4] and sizes(second) == [4, 4] and free(channels)
    other = Atom(6)
    pieces = cut(Product((other, held(4, "place"))), [10, 14])
    assert [atom.reason for atom in atoms(other)] == [SPLIT] and [p.size for p in pieces] == [10, 14]


def test_a_group_along_itself_is_held_rather_than_endless() -> None:
    a = Atom(4)
    unify(a, Concat((a, Atom(0))))
    b, c = Atom(4), Atom(2)
    unify(b, Product((c, Atom(2))))
    unify(c, Atom(2))
    assert sizes(b) == [2, 2] and free(b)
    d = Atom(4)
    pair = Product((d, Atom(2)))
    unify(d, pair)
    assert not free(d)


def test_dimensions_of_one_need_no_symbol() -> None:
    assert resolve(Atom(1)) is ONE and held(1, "whatever") is ONE
    assert resolve(Product((ONE, Atom(5), ONE))).size == 5
    assert isinstance(resolve(Product((ONE, Atom(5)))), Atom)
