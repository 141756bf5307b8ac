"""The literature that the numbers are from. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Mapping

REFERENCES: Mapping[str, str] = {
    "andriushchenko2022": "Andriushchenko and Flammarion 2022, Towards understanding sharpness-aware minimization, ICML",
    "andriushchenko2023": "Andriushchenko et al. 2023, A modern look at the relationship between sharpness and generalization, "
    "ICML",
    "bottou2018": "Bottou, Curtis and Nocedal 2018, Optimization methods for large-scale machine learning, SIAM Review 60(2)",
    "cohen2021": "Cohen et al. 2021, Gradient descent on neural networks typically occurs at the edge of stability, ICLR",
    "dauphin2014": "Dauphin et al. 2014, Identifying and attacking the saddle point problem, NeurIPS",
    "dinh2017": "Dinh et al. 2017, Sharp minima can generalize for deep nets, ICML",
    "dziugaite2017": "Dziugaite and Roy 2017, Computing nonvacuous generalization bounds for deep (stochastic) neural networks, "
    "UAI",
    "foret2021": "Foret et al. 2021, Sharpness-aware minimization for efficiently improving generalization, ICLR",
    "ghorbani2019": "Ghorbani, Krishnan and Xiao 2019, An investigation into neural net optimization via Hessian eigenvalue "
    "density, ICML",
    "gurari2018": "Gur-Ari, Roberts and Dyer 2018, Gradient descent happens in a tiny subspace, arXiv 1812.04754",
    "hutchinson1989": "Hutchinson 1989, A stochastic estimator of the trace of the influence matrix, Comm. Stat. Simul. Comp. "
    "18(3)",
    "jiang2020": "Jiang et al. 2020, Fantastic generalization measures and where to find them, ICLR",
    "keskar2017": "Keskar et al. 2017, On large-batch training for deep learning: generalization gap and sharp minima, ICLR",
    "kwon2021": "Kwon et al. 2021, ASAM: Adaptive sharpness-aware minimization, ICML",
    "li2018": "Li et al. 2018, Visualizing the loss landscape of neural nets, NeurIPS",
    "mackay1992": "MacKay 1992, Bayesian interpolation, Neural Computation 4(3)",
    "maddox2020": "Maddox, Benton and Wilson 2020, Rethinking parameter counting in deep models, arXiv 2003.02139",
    "martens2020": "Martens 2020, New insights and perspectives on the natural gradient method, JMLR 21(146)",
    "meyer2021": "Meyer et al. 2021, Hutch++: Optimal stochastic trace estimation, SOSA",
    "neyshabur2017": "Neyshabur et al. 2017, Exploring generalization in deep learning, NeurIPS",
    "papyan2020": "Papyan 2020, Traces of class/cross-class structure pervade deep learning spectra, JMLR 21(252)",
    "parlett1998": "Parlett 1998, The symmetric eigenvalue problem, SIAM, theorem 4.5.1",
    "pearlmutter1994": "Pearlmutter 1994, Fast exact multiplication by the Hessian, Neural Computation 6(1)",
    "sagun2017": "Sagun et al. 2017, Empirical analysis of the Hessian of over-parametrized neural networks, arXiv 1706.04454",
    "schraudolph2002": "Schraudolph 2002, Fast curvature matrix-vector products for second-order gradient descent, Neural Comp. "
    "14(7)",
    "ubaru2017": "Ubaru, Chen and Saad 2017, Fast estimation of tr(f(A)) via stochastic Lanczos quadrature, SIAM J. Matrix Anal. "
    "38(4)",
    "yao2020": "Yao et al. 2020, PyHessian: Neural networks through the lens of the Hessian, IEEE BigData",
}

CONNECTIVITY: Mapping[str, str] = {
    "ainsworth2023": "Ainsworth, Hayase and Srinivasa 2023, Git Re-Basin: Merging models modulo permutation symmetries, ICLR",
    "draxler2018": "Draxler et al. 2018, Essentially no barriers in neural network energy landscape, ICML",
    "entezari2022": "Entezari et al. 2022, The role of permutation invariance in linear mode connectivity of neural networks, ICLR",
    "frankle2020": "Frankle et al. 2020, Linear mode connectivity and the lottery ticket hypothesis, ICML",
    "garipov2018": "Garipov et al. 2018, Loss surfaces, mode connectivity, and fast ensembling of DNNs, NeurIPS",
    "jordan2023": "Jordan et al. 2023, REPAIR: REnormalizing permuted activations for interpolation repair, ICLR",
}
"""Of the numbers of paths between models."""


TOPOLOGY: Mapping[str, str] = {
    "cohensteiner2007": "Cohen-Steiner, Edelsbrunner and Harer 2007, Stability of persistence diagrams, Discrete Comput. Geom. 37",
    "edelsbrunner2002": "Edelsbrunner, Letscher and Zomorodian 2002, Topological persistence and simplification, Discrete Comput. "
    "Geom. 28",
    "landscaper2025": "Chen, Hadler, Xie and Hnatyshyn 2025, Landscaper, Zenodo, doi 10.5281/zenodo.15874987",
}
"""Of the numbers of a surface's topology."""

TRAINING: Mapping[str, str] = {
    "barrett2021": "Barrett and Dherin 2021, Implicit gradient regularization, ICLR",
    "mccandlish2018": "McCandlish, Kaplan, Amodei et al. 2018, An empirical model of large-batch training, arXiv 1812.06162",
    "smith2021": "Smith, Dherin, Barrett and De 2021, On the origin of implicit regularization in stochastic gradient descent, "
    "ICLR",
}
"""Of the numbers of training's steps."""


def cite(references: tuple[str, ...]) -> str:
    """ "Cohen et al. 2021; Dinh et al. 2017": authors and year of each key."""
    every = {**REFERENCES, **CONNECTIVITY, **TOPOLOGY, **TRAINING}
    return "; ".join(re.split(r"(?<=\d{4}),", every[key], maxsplit=1)[0] for key in references)
