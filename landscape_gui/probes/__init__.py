"""Questions: one file each, and what they share. `PROBES` holds those that a menu or the command line offers, by name."""

from collections.abc import Mapping

from landscape_gui.errors import QuestionError
from landscape_gui.probes.barriers import Barriers
from landscape_gui.probes.base import Probe
from landscape_gui.probes.connect import Connect
from landscape_gui.probes.curvature_map import CurvatureMap
from landscape_gui.probes.data_dependence import Dependence
from landscape_gui.probes.descend import Descend
from landscape_gui.probes.dynamics import Dynamics
from landscape_gui.probes.eigenvalues import Eigenvalues
from landscape_gui.probes.implicit_bias import ImplicitBias
from landscape_gui.probes.instability import Instability
from landscape_gui.probes.line import Line
from landscape_gui.probes.mean_step import MeanStep
from landscape_gui.probes.noise_scale import NoiseScale
from landscape_gui.probes.on_the_way import OnTheWay
from landscape_gui.probes.path_plane import PathPlane
from landscape_gui.probes.report import Report
from landscape_gui.probes.run_spectra import Spectra
from landscape_gui.probes.sharpness import Sharpness
from landscape_gui.probes.spectrum import Spectrum
from landscape_gui.probes.surface import Surface
from landscape_gui.probes.topology import Topology
from landscape_gui.probes.trajectory import Trajectory
from landscape_gui.results import LineResult, Result, TrajectoryResult

KINDS: tuple[type[Probe], ...] = (
    Surface,
    Line,
    Trajectory,
    Topology,
    Descend,
    ImplicitBias,
    NoiseScale,
    MeanStep,
    Spectrum,
    Eigenvalues,
    Spectra,
    Dynamics,
    CurvatureMap,
    Dependence,
    Sharpness,
    Report,
    Connect,
    OnTheWay,
    PathPlane,
    Barriers,
    Instability,
)
PROBES: dict[str, type[Probe]] = {probe.name: probe for probe in KINDS}


def kind_of(result: Result, probes: Mapping[str, type[Probe]] = PROBES) -> type[Probe]:
    """The kind of question that an answer is to: as it says itself, else by what it holds. QuestionError if unknown."""
    usual = "trajectory" if isinstance(result, TrajectoryResult) else "line" if isinstance(result, LineResult) else "surface"
    name = result.provenance.probe or usual
    kind = probes.get(name)
    if kind is None:
        raise QuestionError(
            f"The answer is of a kind that this version does not draw: {name!r}.",
            remedy="Its numbers can be exported (.json, .csv); a newer version may draw it.",
        )
    return kind


__all__ = [
    "PROBES",
    "Connect",
    "Eigenvalues",
    "Line",
    "Probe",
    "Report",
    "Sharpness",
    "Spectrum",
    "Surface",
    "Trajectory",
    "kind_of",
]
