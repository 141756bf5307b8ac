"""What every number of a spectrum, a sharpness and a report is: three sentences and where it comes from. Kept here once.

Probes give these texts to their numbers, the window shows them at hover, and docs/curvature.md holds them word for word. Standard
library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from landscape_gui.number_references import cite


@dataclass(frozen=True)
class NumberText:
    """A number's label, its unit ("nat" stands for the loss's own unit), three sentences and the keys of its references."""

    label: str
    what: str
    estimate: str
    reading: str
    references: tuple[str, ...]
    unit: str = ""

    @property
    def help(self) -> str:
        """The three sentences, and in brackets who they are from."""
        return f"{self.what} {self.estimate} {self.reading} ({cite(self.references)})"


EIGENVALUES: Mapping[str, NumberText] = {
    "lambda_max": NumberText(
        "largest eigenvalue",
        "The largest eigenvalue of the Hessian of the mean loss: the curvature along the direction in which the loss bends up "
        "most.",
        "Lanczos with full reorthogonalisation finds it, and its error is a bound: an eigenvalue of the operator lies within the "
        "residual norm ||A v - theta v|| of the value.",
        "It falls with the number of examples (on an eighth of the data it can be twice too large) and moves at will when layers "
        "are rescaled, so compare it only at the same data and, across networks, with care.",
        ("parlett1998", "pearlmutter1994", "dinh2017"),
    ),
    "lambda_min": NumberText(
        "smallest resolved eigenvalue",
        "The algebraically smallest eigenvalue that the run resolved: the strongest downward curvature where it is negative.",
        "The same Lanczos run finds it at the other end of the spectrum, with the residual norm as a bound on its distance to an "
        "eigenvalue.",
        "A small negative value is usual at the end of training, where a gradient that is not zero and unused directions leave "
        "some; beside |λmax| it says whether the place is near a minimum.",
        ("parlett1998", "sagun2017"),
    ),
    "max_min_ratio": NumberText(
        "λmax / |λmin|",
        "The largest eigenvalue over the magnitude of the smallest resolved one, the measure of convexity mapped by Li et al.",
        "Both come from the same Lanczos run, and the bound on the ratio follows from their two residuals.",
        "Above about 100 the place is nearly convex in every direction that was resolved; it is no condition number.",
        ("li2018",),
    ),
    "condition_number": NumberText(
        "condition number of the resolved part",
        "The largest eigenvalue over the smallest positive one that the run resolved, because the Hessian of a network is "
        "singular and the ratio over all eigenvalues means nothing.",
        "It is a lower bound of the ratio of the extreme positive eigenvalues and grows with the number of eigenpairs asked for; "
        "its error follows from the residuals of the two.",
        "It says how unequal the resolved directions are for a step of gradient descent; compare it only at the same number of "
        "eigenpairs.",
        ("bottou2018", "sagun2017"),
    ),
    "spectral_gap": NumberText(
        "spectral gap",
        "The largest eigenvalue minus the second one.",
        "Both come from Lanczos, and the error is the sum of the two residual bounds.",
        "The leading eigenvector is well determined only where the gap is large beside the residuals; power iteration converges "
        "as |lambda_2/lambda_1|^k, and its eigenvalue as the square of that.",
        ("parlett1998",),
    ),
    "largest_gap_position": NumberText(
        "position of the largest gap",
        "After how many leading eigenvalues the largest ratio between neighbours stands, among those resolved.",
        "It is read off the resolved eigenvalues and is exact where the gap is wider than the residual bounds on its two sides.",
        "For a classifier with C classes it is at C - 1 or C in the calm regime, and at C(C - 1) or nowhere in others, so it does"
        " not show that outliers are classes.",
        ("papyan2020", "sagun2017"),
    ),
    "largest_gap_ratio": NumberText(
        "ratio across the largest gap",
        "The eigenvalue before the largest gap over the one behind it.",
        "It is read off the resolved eigenvalues; its error follows from their residual bounds.",
        "A ratio near 1 says that no gap stands out and that the position means little.",
        ("papyan2020",),
    ),
    "negative_eigenvalues": NumberText(
        "resolved negative eigenvalues",
        "How many of the resolved eigenvalues are negative by more than their residual bound.",
        "The count is certain for what was resolved and a lower bound for the whole spectrum; Ritz values that have not converged"
        " are never counted.",
        "Many speak for a saddle and few for the neighbourhood of a minimum, but only as many as were asked for can be counted.",
        ("dauphin2014", "sagun2017"),
    ),
    "gradient_norm": NumberText(
        "norm of the gradient",
        "The 2-norm of the gradient of the mean loss over the same examples.",
        "It is computed exactly over the examples asked about and has rounding error only.",
        "Curvature describes a minimum only where this is small; it depends on the scale of the weights.",
        ("bottou2018",),
        "nat",
    ),
    "gradient_alignment": NumberText(
        "cosine of the gradient with the leading eigenspace",
        "The norm of the gradient's projection on the leading eigenvectors over the norm of the gradient.",
        "It uses as many eigenvectors as there are classes where that is known and that many were resolved, else all that were; "
        "the error comes from their residuals over the gap that separates them from the rest.",
        "Random directions would give about sqrt(k/n); a value near 1 says that the gradient lives in the few sharp directions.",
        ("gurari2018",),
    ),
    "stability_limit": NumberText(
        "stability limit of the learning rate",
        "The curvature above which gradient descent with the recorded learning rate diverges on a quadratic: 2/lr, with "
        "heavy-ball momentum b (2 + 2b)/lr, less the weight decay.",
        "It is exact arithmetic on the learning rate, momentum and weight decay that the checkpoint's card or run records.",
        "Full-batch gradient descent sharpens until λmax hovers at it; with small batches λmax stays below.",
        ("cohen2021",),
    ),
    "lambda_max_over_limit": NumberText(
        "λmax over the stability limit",
        "The largest eigenvalue over the stability limit.",
        "Its error is the residual bound of λmax over the limit.",
        "Near 1 training is at the edge of stability; after the learning rate was lowered the limit is that of the rate recorded,"
        " not of the last step.",
        ("cohen2021",),
    ),
}

SPECTRUM: Mapping[str, NumberText] = {
    "trace": NumberText(
        "trace",
        "The sum of all eigenvalues, which is the number of parameters times the mean curvature.",
        "The converged eigenpairs are summed exactly and random probes on their complement estimate the rest; the error is the "
        "standard error over the probes.",
        "Half of it times sigma^2 is how much the loss rises on average under Gaussian noise of deviation sigma per weight; it "
        "changes when layers are rescaled.",
        ("hutchinson1989", "meyer2021", "yao2020"),
    ),
    "frobenius": NumberText(
        "Frobenius norm",
        "The root of the sum of the squared eigenvalues.",
        "It comes from the same probes, as the mean of ||A g||^2 beside the exact part; the error is the standard error over the "
        "probes.",
        "Beside λmax it says how much of the curvature lies outside the leading direction.",
        ("hutchinson1989",),
    ),
    "negative_mass": NumberText(
        "share of negative mass",
        "The share of the eigenvalues that lie below -epsilon, with the epsilon that is stated.",
        "It is the weight of the quadrature's nodes below -epsilon, averaged over the probes; the error is the standard error "
        "over the probes.",
        "The bulk around zero is blurred by few Lanczos steps, so eigenvalues near -epsilon may be counted on either side.",
        ("ghorbani2019", "ubaru2017"),
    ),
    "effective_dimension": NumberText(
        "effective dimension",
        "The sum of lambda/(lambda + alpha) over the positive eigenvalues, with the alpha that is stated.",
        "It is n times the mean of that function under the spectral density, with the standard error over the probes.",
        "It counts the directions that the data determine more than a prior of precision alpha would; it is meaningless without "
        "its alpha.",
        ("mackay1992", "maddox2020"),
    ),
    "layer_trace": NumberText(
        "trace of a layer",
        "The trace of a layer's diagonal block of the Hessian.",
        "The same probes give every layer's share of g . (A g) at once; the error is the standard error over the probes.",
        "The layers' traces sum to the trace, so large layers have large ones; divide by the number of weights to compare.",
        ("hutchinson1989", "yao2020"),
    ),
    "layer_lambda_max": NumberText(
        "largest eigenvalue of a layer",
        "The largest eigenvalue of a layer's diagonal block of the Hessian.",
        "Lanczos on the block finds it, with the residual norm as the bound.",
        "None exceeds the whole Hessian's largest eigenvalue; the blocks leave out how layers act together.",
        ("parlett1998",),
    ),
    "ggn_lambda_max": NumberText(
        "largest eigenvalue of the Gauss-Newton matrix",
        "The largest eigenvalue of the generalised Gauss-Newton matrix, which for softmax and cross-entropy is the Fisher matrix.",
        "Lanczos with full reorthogonalisation finds it, with the residual norm as the bound.",
        "Where it equals the Hessian's, the curvature comes from the data's outputs and not from the network's own bending; at a "
        "large residual it may be far from it.",
        ("schraudolph2002", "martens2020", "papyan2020"),
    ),
    "lambda_max_half": NumberText(
        "largest eigenvalue on half of the data",
        "The largest eigenvalue on a random half of the same examples.",
        "It is found as λmax is, with its residual as the bound; one draw of the half, from the seed.",
        "How far it lies above λmax says how much λmax itself still depends on the number of examples.",
        ("andriushchenko2022",),
    ),
}

SHARPNESS: Mapping[str, NumberText] = {
    "worst_case": NumberText(
        "worst case in a ball",
        "The largest rise of the loss within a ball of the stated radius in the 2-norm, as in SAM.",
        "Frank-Wolfe ascents from the centre, from the quadratic model's maximiser in a Krylov space and from both sides of the "
        "leading eigenvector find it; it is a lower bound, exact on quadratics to 1e-4.",
        "It depends on the radius, which is why the curve over the radius stands beside it, and rescaling layers moves it without"
        " changing the function.",
        ("foret2021", "dinh2017"),
        "nat",
    ),
    "worst_case_box": NumberText(
        "Keskar's sharpness",
        "The largest rise of the loss within the box |d_i| <= epsilon (|w_i| + 1), in per cent of 1 + loss: 100 (max - L)/(1 + L).",
        "Projected ascent from several starts finds it; it is a lower bound.",
        "It separates small from large batches on the same network in the original paper, and networks of different size or scale"
        " it does not compare.",
        ("keskar2017", "dinh2017"),
        "%",
    ),
    "random_maximum": NumberText(
        "maximum over random directions",
        "The largest rise of the loss among a few random points on the sphere of the same radius.",
        "It is exact for the directions drawn, and a lower bound of the worst case.",
        "It is the usual shortcut, and underestimates the worst case, often 200 to 3,000-fold, because random directions miss the"
        " sharp ones.",
        ("foret2021",),
        "nat",
    ),
    "random_gap": NumberText(
        "worst case over random maximum",
        "The worst case in the ball over the maximum over random directions at the same radius.",
        "The worst case is a lower bound and the maximum exact for the directions drawn, so the ratio is a lower bound.",
        "It says by how much the shortcut would have been wrong here.",
        ("foret2021",),
    ),
    "gaussian_average": NumberText(
        "average rise under Gaussian noise",
        "The mean rise of the loss when Gaussian noise of the stated deviation is added to every weight.",
        "Antithetic pairs of draws estimate it, with the standard error over the pairs.",
        "Beside sigma^2 trace/2 it shows how far the quadratic picture holds: rectified networks show up to twice as much because"
        " of their kinks.",
        ("neyshabur2017", "jiang2020"),
        "nat",
    ),
    "gaussian_quadratic": NumberText(
        "σ² trace/2",
        "What the average rise under Gaussian noise would be if the loss were quadratic.",
        "It is the trace times sigma^2/2, with the standard error of the trace.",
        "Its distance to the average rise measured is the curvature that differentiation at a point does not see.",
        ("hutchinson1989", "neyshabur2017"),
        "nat",
    ),
    "finite_curvature": NumberText(
        "curvature at a finite radius over the one differentiation sees",
        "The mean curvature of the loss at the distance of the Gaussian noise, 2 rise/sigma^2, over the Hessian's along the same "
        "draws.",
        "Both come from the same antithetic pairs, and the standard error is that of the ratio over the pairs.",
        "It is 1 where the loss is quadratic; networks of ReLUs show 1.5 to 2 at small radii, because their kinks bend the loss "
        "and have no second derivative.",
        ("hutchinson1989", "neyshabur2017"),
    ),
    "adaptive": NumberText(
        "adaptive sharpness",
        "The largest rise of the loss over perturbations d with ||d/|w||| within the stated radius, as in ASAM with the exact |w|.",
        "Projected ascent in the scaled coordinates finds it; it is a lower bound.",
        "Rescaling layers leaves it unchanged, yet it does not decide generalisation either.",
        ("kwon2021", "andriushchenko2023"),
        "nat",
    ),
    "m_sharpness": NumberText(
        "m-sharpness",
        "The mean over groups of m examples of the largest rise of each group's own loss within the ball.",
        "Each group's own ascent from the centre and from the worst point of all data finds a lower bound of its rise; the error "
        "is the standard error over the groups.",
        "It grows as m falls, many-fold from a thousand examples to sixteen, so it means nothing without its m.",
        ("foret2021", "andriushchenko2022"),
        "nat",
    ),
    "directional": NumberText(
        "directional sharpness",
        "The mean rise of the loss over small random steps of the stated length.",
        "Random unit directions are drawn, and the standard error is that over them.",
        "It averages over all directions and so is about trace/n where the worst case is about λmax.",
        ("neyshabur2017",),
        "nat",
    ),
    "pac_bayes_bound": NumberText(
        "PAC-Bayes bound on the test error",
        "A bound that holds with probability 1 - delta on the test error of the network with Gaussian noise in its weights.",
        "Binary search finds the noise, Monte Carlo draws the training error, and the KL term to the initialisation or to zero is"
        " exact; the bound includes the confidence of the draws.",
        "It is vacuous where guessing does no worse, and it speaks of the noisy network and of data drawn independently from one "
        "distribution.",
        ("dziugaite2017", "jiang2020"),
    ),
    "heuristic_bound": NumberText(
        "sqrt(sharpness/N)",
        "The root of the worst case in the ball over the number of examples.",
        "It is arithmetic on two numbers of this table.",
        "It is a heuristic that is sometimes quoted as a bound on the generalisation gap, and it bounds nothing.",
        ("dinh2017", "neyshabur2017"),
    ),
    "flatness": NumberText(
        "flatness 1/(1 + sharpness)",
        "One over one plus the worst case in the ball, between 0 and 1.",
        "It is arithmetic on the worst case and inherits that it is found from below: the flatness is an upper bound.",
        "It orders checkpoints as sharpness does, the other way round, and flat is not the same as good.",
        ("dinh2017",),
    ),
}

FACTS: Mapping[str, NumberText] = {
    "parameters": NumberText(
        "parameters",
        "How many scalars of the network require a gradient: the size n of the Hessian.",
        "It is counted, tied weights once.",
        "Traces, norms and distances grow with it, so networks of different size do not compare by them.",
        ("maddox2020",),
    ),
    "loss": NumberText(
        "loss",
        "The mean loss over the examples asked about, without weight decay.",
        "It is summed in double precision; the error is the standard error over the examples, where the loss gives one value each.",
        "Curvature is that of this very function; weight decay would add its value to every eigenvalue.",
        ("sagun2017",),
        "nat",
    ),
    "accuracy": NumberText(
        "accuracy",
        "The share of a split's examples that the network classifies rightly, whatever part of them the curvature is of.",
        "It is counted over the whole split; the error is the binomial standard error.",
        "No number of curvature decides that of the test split: sharp networks may generalise and flat ones may not.",
        ("dinh2017", "andriushchenko2023"),
        "%",
    ),
    "split_loss": NumberText(
        "loss on all data",
        "The mean loss over all examples of a split, whatever part of them the curvature is of, without weight decay.",
        "It is summed in double precision with the network in evaluation mode; the error is the standard error over the examples.",
        "That of the training split is what training made small; only what lies above it on unseen data tells how it generalises.",
        ("jiang2020",),
        "nat",
    ),
    "loss_gap": NumberText(
        "generalisation gap of the loss",
        "The mean loss on unseen data (the test split, else the second one) minus that on all data that were trained on.",
        "The training data are the ones that the gap is about, so their loss is exact; the error is the standard error of the loss "
        "on unseen data.",
        "Networks that are more certain of themselves have a larger gap at the same accuracy, so read it beside that of the "
        "accuracy.",
        ("jiang2020", "neyshabur2017"),
        "nat",
    ),
    "accuracy_gap": NumberText(
        "generalisation gap of the accuracy",
        "The accuracy on all data that were trained on minus that on unseen data, in percentage points.",
        "The error is the standard error of the accuracy on unseen data, as the training data are the ones that the gap is about.",
        "It is small, too, for a network that did not learn its training data: look at both accuracies.",
        ("jiang2020", "neyshabur2017"),
        "%",
    ),
    "weight_norm": NumberText(
        "norm of the weights",
        "The 2-norm of all parameters.",
        "It is computed exactly.",
        "Where layers can be rescaled without changing the function it says little, and it grows with the number of parameters.",
        ("neyshabur2017", "dinh2017"),
    ),
    "distance_from_start": NumberText(
        "distance from the initialisation",
        "The 2-norm of the difference between the parameters and those of the run's checkpoint of epoch 0.",
        "It is computed exactly, where the run holds that checkpoint.",
        "Among networks of one architecture it has been seen to grow with the generalisation gap; it depends on scale and size as "
        "every norm does.",
        ("jiang2020", "neyshabur2017"),
    ),
}

TEXTS: Mapping[str, NumberText] = {**FACTS, **EIGENVALUES, **SPECTRUM, **SHARPNESS}
