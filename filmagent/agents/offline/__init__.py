"""The offline writer: a story grammar that needs no model, no key and no network."""
