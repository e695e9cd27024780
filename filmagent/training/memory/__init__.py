"""Trains a memory on a frozen Wan-class base with a person's own films, into files that the generators read."""
