"""Filming with a memory that was trained here: which bases there are, what the files say, and the generator."""
