"""Which methods a question uses, as keys of the literature. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from landscape_gui.results import Provenance

DIRECTIONS: Mapping[str, tuple[str, ...]] = {
    "filter": ("li2018",),
    "layer": ("li2018",),
    "raw": ("goodfellow2015", "li2018"),
    "towards": ("goodfellow2015", "li2018"),
    "plane": ("garipov2018",),
    "principal": ("lorch2016", "li2018", "antognini2018"),
    "eigenvectors": ("lanczos1950", "pearlmutter1994", "yao2020"),
}
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "hessian": ("pearlmutter1994",),
    "gauss-newton": ("schraudolph2002",),
    "residual": ("pearlmutter1994", "schraudolph2002"),
    "ntk": ("jacot2018",),
}
PATHS: Mapping[str, tuple[str, ...]] = {
    "line": ("goodfellow2015",),
    "bezier": ("garipov2018",),
    "chain": ("garipov2018",),
    "band": ("draxler2018",),
    "aligned": ("ainsworth2023",),
    "repaired": ("ainsworth2023", "jordan2023"),
}
SPECTRUM = ("lanczos1950", "ubaru2017", "golub1969", "ghorbani2019", "yao2020", "meyer2021")
SHARPNESS = ("keskar2017", "foret2021", "kwon2021", "andriushchenko2022", "dinh2017", "andriushchenko2023")
EIGENVALUES = ("lanczos1950", "parlett1998")
PROBES: Mapping[str, tuple[str, ...]] = {
    "trajectory": DIRECTIONS["principal"],
    "topology": ("edelsbrunner2002", "cohensteiner2007", "landscaper2025"),
    "spectrum": SPECTRUM,
    "eigenvalues": EIGENVALUES,
    "spectra": (*SPECTRUM, "cohen2021"),
    "curvature-map": ("pearlmutter1994", *EIGENVALUES),
    "dependence": ("lanczos1950", "hutchinson1989", "meyer2021"),
    "sharpness": SHARPNESS,
    "report": (*SPECTRUM, *SHARPNESS),
    "connect": ("entezari2022", "frankle2020"),
    "barriers": ("entezari2022", "frankle2020"),
    "instability": ("frankle2020",),
    "path-plane": ("garipov2018",),
    "waypoint": ("frankle2020",),
    "dynamics": ("cohen2021",),
    "implicit": ("barrett2021", "smith2021"),
    "noise-scale": ("mccandlish2018",),
    "mean-step": ("barrett2021", "smith2021"),
    "descend": ("kingma2015", "foret2021"),
}
READ: Mapping[str, tuple[str, ...]] = {
    "tomgoldstein": ("li2018",), "dnn-mode-connectivity": ("garipov2018",), "landscaper": ("landscaper2025",),
}  # fmt: skip
"""What the programs are from whose files answers are read, by a part of the format's name."""


def methods(where: Provenance) -> tuple[str, ...]:
    """The keys of an answer's methods: along which directions or paths, on which matrix, what for."""
    return tuple(dict.fromkeys(found(where)))


def found(where: Provenance) -> Iterator[str]:
    told = where.problem.get("read_from")
    if isinstance(told, Mapping):
        name = str(told.get("format", "")).lower()
        yield from (key for part, keys in READ.items() if part in name for key in keys)
        return
    yield from of_question(where.question)
    yield from PROBES.get(where.probe, ())
    if where.probe in ("sharpness", "report") and where.question.get("bound"):
        yield "dziugaite2017"


def of_question(asked: Mapping[str, Any]) -> Iterator[str]:
    """By the fields that questions have in common; of one that holds others, theirs too."""
    directions = asked.get("directions")
    yield from DIRECTIONS.get(directions, ()) if isinstance(directions, str) else ()
    path = asked.get("path", ())
    for name in (path,) if isinstance(path, str) else path if isinstance(path, list | tuple) else ():
        yield from PATHS.get(name, ()) if isinstance(name, str) else ()
    operator = asked.get("operator")
    yield from OPERATORS.get(operator, ()) if isinstance(operator, str) else ()
    for value in asked.values():
        for inner in value if isinstance(value, list | tuple) else (value,):
            if isinstance(inner, Mapping) and "probe" in inner:
                yield from of_question(inner)
