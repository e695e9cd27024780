"""The version of filmagent, in one place. Knows nothing else."""

__version__ = "0.1.0"
