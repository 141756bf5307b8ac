"""Problem: a loss over one flat parameter vector. Where it comes from: a card, a landscape.py, or a built-in family."""
