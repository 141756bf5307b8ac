"""TorchScript programs: their text interpreted from a list of operators, as ordinary modules."""
