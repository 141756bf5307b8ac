"""What the quantities of training dynamics are called, in logs and files of others and here. Standard library only."""

from __future__ import annotations

NAMES = {
    "grad_norm": "gradient_norm",
    "gradient_norm": "gradient_norm",
    "train_acc": "train_accuracy",
    "test_acc": "test_accuracy",
    "val_acc": "val_accuracy",
    "acc": "accuracy",
    "lr": "learning_rate",
    "distance": "distance_from_start",
}
"""Their name -> ours; others stay."""
LABELS = {
    "gradient_norm": "gradient norm",
    "lambda_max": "λmax",
    "directional_sharpness": "directional sharpness",
    "epsilon_sharpness": "ε-sharpness",
    "lgdi": "LGDI",
    "stability_ratio": "stability ratio",
    "stability_limit": "limit of stability",
    "learning_rate": "learning rate",
    "distance_from_start": "distance from start",
    "step_cosine": "cosine of successive steps",
    "weight_norm": "weight norm",
}


def label_of(name: str) -> str:
    """A quantity's name in words."""
    return LABELS.get(name, name.replace("_", " "))[:60]
