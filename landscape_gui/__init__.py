"""Open a checkpoint and explore the loss landscape of the network in it.

The package imports nothing heavy by itself: torch, Qt and vispy come in with the rooms that need them.
"""

__version__ = "0.1.0"
