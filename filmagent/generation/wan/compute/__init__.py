"""How a machine computes: precision, attention, and what is quicker with the same frames."""
