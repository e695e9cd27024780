"""Benchmarks and their tables: what a generator, a memory or a critic is worth, in figures that were measured."""
