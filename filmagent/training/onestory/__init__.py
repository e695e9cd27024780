"""OneStory's training objective (arXiv 2512.07802): examples with an inserted shot, labels, losses. No loop."""
