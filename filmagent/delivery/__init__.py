"""How takes become a film: assembly, contact sheet, manifest."""
