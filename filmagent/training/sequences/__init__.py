"""A folder of multi-shot sequences with captions, subjects and targets: what lies in it, its check, its lazy reader."""
