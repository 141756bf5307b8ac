"""Training a built-in family on data that open, with the recorder: what `landscape-gui train` does.

from landscape_gui.training.recipe import Recipe
from landscape_gui.training.training import train
"""
