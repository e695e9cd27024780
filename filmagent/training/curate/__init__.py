"""From a folder of films to a folder of captioned multi-shot sequences."""
