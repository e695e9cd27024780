"""The papercut benchmark: films of held-out stories of a world whose truth is known, measured against that truth."""
