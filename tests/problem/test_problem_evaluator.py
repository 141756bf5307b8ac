"""What a problem's evaluator is made of."""

from __future__ import annotations

import numpy as np

from landscape_gui.core.directions import random_direction
from landscape_gui.problem import open_problem


def test_batchnorm_statistics_come_from_training_data_whichever_split_is_asked_about() -> None:
    problem = open_problem("samples:digits-resnet")
    axis = random_direction(problem.layout, problem.state, seed=0)
    found = []
    for splits in (("test",), ("train", "test")):
        evaluator = problem.evaluator(splits=splits, limit=64, batchnorm="recalculated")
        steps = evaluator.evaluate(problem.state, [axis], [[0.3]])
        try:
            while True:
                next(steps)
        except StopIteration as stop:
            found.append(stop.value.mean["test_loss"])
        assert set(evaluator.environment["statistics"]) == {"train"}
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)  # float32, chunks of other sizes
