"""The samples' data: scikit-learn's digits and MNIST-1D, both made here and written to data/*.npz."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# MNIST-1D's ten templates and constants, from Greydanus and Kobak (2020), "Scaling down deep learning with MNIST-1D",
# github.com/greydanus/mnist1d (Apache-2.0); the generator below is written anew after the paper.
TEMPLATES = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)
PADDING = (36, 60)
LONGEST = len(TEMPLATES[0]) + PADDING[1]
MAXIMUM_TRANSLATION = 48
SCALE, SHEAR = 0.4, 0.75
CORRELATED_NOISE, NOISE = 0.25, 0.02
LENGTH = 40


def write_digits(path: Path) -> None:
    """scikit-learn's 1,797 handwritten digits, (n, 1, 8, 8) in [0, 1]: 1,437 to train, 360 to test, shuffled with seed 0."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    x = (digits.images[order, None] / 16).astype(np.float32)
    y = digits.target[order].astype(np.int64)
    np.savez_compressed(path, x_train=x[:1437], y_train=y[:1437], x_test=x[1437:], y_test=y[1437:])


def write_mnist1d(path: Path, *, train: int = 4000, test: int = 1000, seed: int = 42) -> None:
    """MNIST-1D signals, (n, 1, 40), mean 0 and standard deviation 1 over all of them, classes equally often."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(train + test) % 10)
    templates = _templates()
    x = np.stack([_signal(templates[label], rng) for label in y])
    x = ((x - x.mean()) / x.std()).astype(np.float32)[:, None]
    np.savez_compressed(path, x_train=x[:train], y_train=y[:train], x_test=x[train:], y_test=y[train:])


def _templates() -> NDArray[np.float64]:
    x = np.array(TEMPLATES, dtype=np.float64)
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    scaled: NDArray[np.float64] = (x - x[:, :1]) / 6
    return scaled


def _signal(template: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """One template padded, stretched, scaled, moved round, with noise, sheared and resampled to 40 values."""
    from scipy.ndimage import gaussian_filter

    padded = np.concatenate([template + 1e-8, np.zeros(rng.integers(PADDING[0], PADDING[1] + 1))])
    signal = _resample(padded, LONGEST) * (1 + SCALE * (rng.random() - 0.5))
    signal = np.roll(signal, rng.integers(MAXIMUM_TRANSLATION))
    noise = gaussian_filter(CORRELATED_NOISE * rng.standard_normal(LONGEST), 2)
    signal = np.where(signal != 0, signal, noise) + NOISE * rng.standard_normal(LONGEST)
    signal = signal - SHEAR * (rng.random() - 0.5) * np.linspace(-0.5, 0.5, LONGEST)
    return _resample(signal, LENGTH)


def _resample(signal: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    places = np.linspace(0, 1, length)
    resampled: NDArray[np.float64] = np.interp(places, np.linspace(0, 1, len(signal)), signal)
    return resampled
