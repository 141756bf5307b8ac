"""Problem: a loss over one flat parameter vector. Where it comes from: a card, a landscape.py, or a built-in family."""

from landscape_gui.problem.opening import describe, open_problem
from landscape_gui.problem.problem import Problem
from landscape_gui.problem.settings import prepare_torch
from landscape_gui.trust import is_trusted, remember_trust

__all__ = ["Problem", "describe", "is_trusted", "open_problem", "prepare_torch", "remember_trust"]
