"""Trains the built-in papercut model on a procedural world of paper cut-outs. Knows nothing of real footage."""
