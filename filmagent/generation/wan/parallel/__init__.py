"""One shot on several GPUs: the sequence dealt out among them, and the two branches of guidance."""
