"""The literature as BibTeX. Standard library only. Accents and special characters are LaTeX's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from landscape_gui import __version__


@dataclass(frozen=True)
class Entry:
    """One work. where: the journal, the proceedings or the publisher, as `kind` says; further: pages, volume, DOI, ..."""

    kind: str
    authors: str
    title: str
    where: str
    year: int
    further: Mapping[str, str]

    def bibtex(self, key: str) -> str:
        name = {"article": "journal", "inproceedings": "booktitle", "book": "publisher", "misc": "howpublished"}[self.kind]
        fields = {"author": self.authors, "title": self.title, name: self.where, "year": str(self.year), **self.further}
        lines = [f"  {field:9} = {{{value}}}," for field, value in fields.items() if value]
        return "\n".join([f"@{self.kind}{{{key},", *lines, "}"])


def paper(authors: str, title: str, where: str, year: int, arxiv: str = "", **further: str) -> Entry:
    return Entry("inproceedings", authors, title, where, year, {**further, **preprint(arxiv)})


def article(authors: str, title: str, where: str, year: int, arxiv: str = "", **further: str) -> Entry:
    return Entry("article", authors, title, where, year, {**further, **preprint(arxiv)})


def preprint(number: str) -> dict[str, str]:
    return {"eprint": number, "archivePrefix": "arXiv"} if number else {}


ICLR = "International Conference on Learning Representations"
ICML = "International Conference on Machine Learning"
NEURIPS = "Advances in Neural Information Processing Systems"
NEURAL = "Neural Computation"
GEOMETRY = "Discrete \\& Computational Geometry"
JMLR = "Journal of Machine Learning Research"

ENTRIES: Mapping[str, Entry] = {
    "ainsworth2023": paper(
        "Samuel K. Ainsworth and Jonathan Hayase and Siddhartha Srinivasa",
        "{Git Re-Basin}: Merging Models modulo Permutation Symmetries", ICLR, 2023, "2209.04836",
    ),
    "andriushchenko2022": paper(
        "Maksym Andriushchenko and Nicolas Flammarion", "Towards Understanding Sharpness-Aware Minimization", ICML, 2022,
        "2206.06232", volume="162", series="PMLR", pages="639--668",
    ),
    "andriushchenko2023": paper(
        "Maksym Andriushchenko and Francesco Croce and Maximilian M{\\\"u}ller and Matthias Hein and Nicolas Flammarion",
        "A Modern Look at the Relationship between Sharpness and Generalization", ICML, 2023, "2302.07011", volume="202",
        series="PMLR", pages="840--902",
    ),
    "antognini2018": paper(
        "Joseph M. Antognini and Jascha Sohl-Dickstein",
        "{PCA} of High Dimensional Random Walks with Comparison to Neural Network Training", NEURIPS, 2018, "1806.08805",
        volume="31",
    ),
    "barrett2021": paper(
        "David G. T. Barrett and Benoit Dherin", "Implicit Gradient Regularization", ICLR, 2021, "2009.11162",
    ),
    "bottou2018": article(
        "L{\\'e}on Bottou and Frank E. Curtis and Jorge Nocedal", "Optimization Methods for Large-Scale Machine Learning",
        "SIAM Review", 2018, volume="60", number="2", pages="223--311", doi="10.1137/16M1080173",
    ),
    "cohen2021": paper(
        "Jeremy M. Cohen and Simran Kaur and Yuanzhi Li and J. Zico Kolter and Ameet Talwalkar",
        "Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability", ICLR, 2021, "2103.00065",
    ),
    "cohensteiner2007": article(
        "David Cohen-Steiner and Herbert Edelsbrunner and John Harer", "Stability of Persistence Diagrams", GEOMETRY, 2007,
        volume="37", number="1", pages="103--120", doi="10.1007/s00454-006-1276-5",
    ),
    "dauphin2014": paper(
        "Yann N. Dauphin and Razvan Pascanu and Caglar Gulcehre and Kyunghyun Cho and Surya Ganguli and Yoshua Bengio",
        "Identifying and Attacking the Saddle Point Problem in High-Dimensional Non-Convex Optimization", NEURIPS, 2014,
        "1406.2572", volume="27",
    ),
    "dinh2017": paper(
        "Laurent Dinh and Razvan Pascanu and Samy Bengio and Yoshua Bengio", "Sharp Minima Can Generalize for Deep Nets", ICML,
        2017, "1703.04933", volume="70", series="PMLR", pages="1019--1028",
    ),
    "draxler2018": paper(
        "Felix Draxler and Kambis Veschgini and Manfred Salmhofer and Fred A. Hamprecht",
        "Essentially No Barriers in Neural Network Energy Landscape", ICML, 2018, "1803.00885", volume="80", series="PMLR",
        pages="1309--1318",
    ),
    "dziugaite2017": paper(
        "Gintare Karolina Dziugaite and Daniel M. Roy",
        "Computing Nonvacuous Generalization Bounds for Deep (Stochastic) Neural Networks with Many More Parameters than Training "
        "Data", "Conference on Uncertainty in Artificial Intelligence", 2017, "1703.11008",
    ),
    "edelsbrunner2002": article(
        "Herbert Edelsbrunner and David Letscher and Afra Zomorodian", "Topological Persistence and Simplification", GEOMETRY,
        2002, volume="28", number="4", pages="511--533", doi="10.1007/s00454-002-2885-2",
    ),
    "entezari2022": paper(
        "Rahim Entezari and Hanie Sedghi and Olga Saukh and Behnam Neyshabur",
        "The Role of Permutation Invariance in Linear Mode Connectivity of Neural Networks", ICLR, 2022, "2110.06296",
    ),
    "foret2021": paper(
        "Pierre Foret and Ariel Kleiner and Hossein Mobahi and Behnam Neyshabur",
        "Sharpness-Aware Minimization for Efficiently Improving Generalization", ICLR, 2021, "2010.01412",
    ),
    "frankle2020": paper(
        "Jonathan Frankle and Gintare Karolina Dziugaite and Daniel M. Roy and Michael Carbin",
        "Linear Mode Connectivity and the Lottery Ticket Hypothesis", ICML, 2020, "1912.05671", volume="119", series="PMLR",
        pages="3259--3269",
    ),
    "garipov2018": paper(
        "Timur Garipov and Pavel Izmailov and Dmitrii Podoprikhin and Dmitry P. Vetrov and Andrew Gordon Wilson",
        "Loss Surfaces, Mode Connectivity, and Fast Ensembling of {DNN}s", NEURIPS, 2018, "1802.10026", volume="31",
    ),
    "ghorbani2019": paper(
        "Behrooz Ghorbani and Shankar Krishnan and Ying Xiao",
        "An Investigation into Neural Net Optimization via {Hessian} Eigenvalue Density", ICML, 2019, "1901.10159", volume="97",
        series="PMLR", pages="2232--2241",
    ),
    "golub1969": article(
        "Gene H. Golub and John H. Welsch", "Calculation of {Gauss} Quadrature Rules", "Mathematics of Computation", 1969,
        volume="23", number="106", pages="221--230", doi="10.1090/S0025-5718-69-99647-1",
    ),
    "goodfellow2015": paper(
        "Ian J. Goodfellow and Oriol Vinyals and Andrew M. Saxe",
        "Qualitatively Characterizing Neural Network Optimization Problems", ICLR, 2015, "1412.6544",
    ),
    "gurari2018": Entry(
        "misc", "Guy Gur-Ari and Daniel A. Roberts and Ethan Dyer", "Gradient Descent Happens in a Tiny Subspace",
        "arXiv preprint", 2018, preprint("1812.04754"),
    ),
    "hutchinson1989": article(
        "M. F. Hutchinson",
        "A Stochastic Estimator of the Trace of the Influence Matrix for {Laplacian} Smoothing Splines",
        "Communications in Statistics -- Simulation and Computation", 1989, volume="18", number="3", pages="1059--1076",
        doi="10.1080/03610918908812806",
    ),
    "jacot2018": paper(
        "Arthur Jacot and Franck Gabriel and Cl{\\'e}ment Hongler",
        "Neural Tangent Kernel: Convergence and Generalization in Neural Networks", NEURIPS, 2018, "1806.07572", volume="31",
    ),
    "jiang2020": paper(
        "Yiding Jiang and Behnam Neyshabur and Hossein Mobahi and Dilip Krishnan and Samy Bengio",
        "Fantastic Generalization Measures and Where to Find Them", ICLR, 2020, "1912.02178",
    ),
    "jordan2023": paper(
        "Keller Jordan and Hanie Sedghi and Olga Saukh and Rahim Entezari and Behnam Neyshabur",
        "{REPAIR}: {REnormalizing} Permuted Activations for Interpolation Repair", ICLR, 2023, "2211.08403",
    ),
    "keskar2017": paper(
        "Nitish Shirish Keskar and Dheevatsa Mudigere and Jorge Nocedal and Mikhail Smelyanskiy and Ping Tak Peter Tang",
        "On Large-Batch Training for Deep Learning: Generalization Gap and Sharp Minima", ICLR, 2017, "1609.04836",
    ),
    "kingma2015": paper(
        "Diederik P. Kingma and Jimmy Ba", "{Adam}: A Method for Stochastic Optimization", ICLR, 2015, "1412.6980",
    ),
    "kwon2021": paper(
        "Jungmin Kwon and Jeongseop Kim and Hyunseo Park and In Kwon Choi",
        "{ASAM}: Adaptive Sharpness-Aware Minimization for Scale-Invariant Learning of Deep Neural Networks", ICML, 2021,
        "2102.11600", volume="139", series="PMLR", pages="5905--5914",
    ),
    "lanczos1950": article(
        "Cornelius Lanczos",
        "An Iteration Method for the Solution of the Eigenvalue Problem of Linear Differential and Integral Operators",
        "Journal of Research of the National Bureau of Standards", 1950, volume="45", number="4", pages="255--282",
        doi="10.6028/jres.045.026",
    ),
    "landscaper2025": Entry(
        "misc", "Chen and Hadler and Xie and Hnatyshyn", "{Landscaper}", "Zenodo", 2025, {"doi": "10.5281/zenodo.15874987"},
    ),
    "li2018": paper(
        "Hao Li and Zheng Xu and Gavin Taylor and Christoph Studer and Tom Goldstein",
        "Visualizing the Loss Landscape of Neural Nets", NEURIPS, 2018, "1712.09913", volume="31",
    ),
    "lorch2016": paper(
        "Eliana Lorch", "Visualizing Deep Network Training Trajectories with {PCA}",
        "ICML Workshop on Visualization for Deep Learning", 2016,
    ),
    "mackay1992": article(
        "David J. C. MacKay", "{Bayesian} Interpolation", NEURAL, 1992, volume="4", number="3", pages="415--447",
        doi="10.1162/neco.1992.4.3.415",
    ),
    "maddox2020": Entry(
        "misc", "Wesley J. Maddox and Gregory Benton and Andrew Gordon Wilson",
        "Rethinking Parameter Counting in Deep Models: Effective Dimensionality Revisited", "arXiv preprint", 2020,
        preprint("2003.02139"),
    ),
    "martens2020": article(
        "James Martens", "New Insights and Perspectives on the Natural Gradient Method", JMLR, 2020, "1412.1193", volume="21",
        number="146", pages="1--76",
    ),
    "mccandlish2018": Entry(
        "misc", "Sam McCandlish and Jared Kaplan and Dario Amodei and {OpenAI Dota Team}",
        "An Empirical Model of Large-Batch Training", "arXiv preprint", 2018, preprint("1812.06162"),
    ),
    "meyer2021": paper(
        "Raphael A. Meyer and Cameron Musco and Christopher Musco and David P. Woodruff",
        "{Hutch++}: Optimal Stochastic Trace Estimation", "Symposium on Simplicity in Algorithms", 2021, "2010.09649",
        pages="142--155", doi="10.1137/1.9781611976496.16",
    ),
    "neyshabur2017": paper(
        "Behnam Neyshabur and Srinadh Bhojanapalli and David McAllester and Nathan Srebro",
        "Exploring Generalization in Deep Learning", NEURIPS, 2017, "1706.08947", volume="30",
    ),
    "papyan2020": article(
        "Vardan Papyan", "Traces of Class/Cross-Class Structure Pervade Deep Learning Spectra", JMLR, 2020, "2008.11865",
        volume="21", number="252", pages="1--64",
    ),
    "parlett1998": Entry(
        "book", "Beresford N. Parlett", "The Symmetric Eigenvalue Problem", "SIAM", 1998, {"doi": "10.1137/1.9781611971163"},
    ),
    "pearlmutter1994": article(
        "Barak A. Pearlmutter", "Fast Exact Multiplication by the {Hessian}", NEURAL, 1994, volume="6", number="1",
        pages="147--160", doi="10.1162/neco.1994.6.1.147",
    ),
    "sagun2017": Entry(
        "misc", "Levent Sagun and Utku Evci and V. Ugur Guney and Yann Dauphin and Leon Bottou",
        "Empirical Analysis of the {Hessian} of Over-Parametrized Neural Networks", "arXiv preprint", 2017,
        preprint("1706.04454"),
    ),
    "schraudolph2002": article(
        "Nicol N. Schraudolph", "Fast Curvature Matrix-Vector Products for Second-Order Gradient Descent", NEURAL, 2002,
        volume="14", number="7", pages="1723--1738", doi="10.1162/08997660260028683",
    ),
    "smith2021": paper(
        "Samuel L. Smith and Benoit Dherin and David G. T. Barrett and Soham De",
        "On the Origin of Implicit Regularization in Stochastic Gradient Descent", ICLR, 2021, "2101.12176",
    ),
    "ubaru2017": article(
        "Shashanka Ubaru and Jie Chen and Yousef Saad",
        "Fast Estimation of $\\mathrm{tr}(f(A))$ via Stochastic {Lanczos} Quadrature",
        "SIAM Journal on Matrix Analysis and Applications", 2017, volume="38", number="4", pages="1075--1099",
        doi="10.1137/16M1104974",
    ),
    "yao2020": paper(
        "Zhewei Yao and Amir Gholami and Kurt Keutzer and Michael W. Mahoney",
        "{PyHessian}: Neural Networks through the Lens of the {Hessian}", "IEEE International Conference on Big Data", 2020,
        "1912.07145", pages="581--590", doi="10.1109/BigData50022.2020.9378171",
    ),
}  # fmt: skip
OWN = "landscapegui"
"""The key of this program."""


def bibtex(keys: Iterable[str]) -> str:
    """The entries of these keys in the order given, each once, and this program's."""
    parts = [ENTRIES[key].bibtex(key) for key in dict.fromkeys(keys)]
    return "\n\n".join([*parts, own_entry()]) + "\n"


def own_entry() -> str:
    lines = ["  author    = {{The landscape_gui developers}},".replace("_", "\\_")]
    lines += ["  title     = {{landscape\\_gui}: Loss Landscapes of Neural Networks},", f"  note      = {{Version {__version__}}},"]
    return "\n".join([f"@misc{{{OWN},", *lines, "}"])
