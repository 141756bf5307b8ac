"""The mesh: which triangles there are."""

import numpy as np

from landscape_gui.scene3d.heightfield import triangles


def test_every_cell_has_two_triangles_along_the_same_diagonal() -> None:
    found = {tuple(sorted(int(v) for v in t)) for t in triangles(40, 3)}
    wanted = set()
    for j in range(2):
        for i in range(39):
            a, b, c, d = j * 40 + i, j * 40 + i + 1, (j + 1) * 40 + i, (j + 1) * 40 + i + 1
            wanted |= {tuple(sorted((a, b, d))), tuple(sorted((a, c, d)))}
    assert found == wanted


def test_a_hole_takes_its_triangles_and_no_others() -> None:
    solid = np.ones((5, 6), bool)
    solid[2, 3] = False
    found = triangles(6, 5, solid)
    assert len(found) == 2 * 4 * 5 - 6  # six triangles meet in an inner point
    assert 2 * 6 + 3 not in found


def test_every_second_point_still_covers_the_whole_grid() -> None:
    used = np.unique(triangles(8, 5, None, 2))
    assert {0, 7, 4 * 8, 4 * 8 + 7} <= set(used.tolist())
    assert len(used) == 5 * 3
