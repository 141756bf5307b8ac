"""Figures back to their answers: find what a figure was drawn from, ask again, and say whether it is the same."""
