"""The built-in small model: its words, its casting and its weights. Knows nothing of how the weights were trained."""
