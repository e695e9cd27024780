"""Memento on Wan2.2 (arXiv 2606.14667): experts that choose their own memory, asked by learned queries."""
