"""Toy models and helpers that several tests share."""
