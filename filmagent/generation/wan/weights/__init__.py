"""An expert's weights and adapters: whether files are whole and fit, and how they come into a model."""
