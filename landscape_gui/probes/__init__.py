"""Questions: one file each, and what they share. `PROBES` holds those that a menu or the command line offers, by name."""

from landscape_gui.probes.base import Probe
from landscape_gui.probes.line import Line
from landscape_gui.probes.surface import Surface
from landscape_gui.probes.trajectory import Trajectory

PROBES: dict[str, type[Probe]] = {probe.name: probe for probe in (Surface, Line, Trajectory)}

__all__ = ["PROBES", "Line", "Probe", "Surface", "Trajectory"]
