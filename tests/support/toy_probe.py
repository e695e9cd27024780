"""A toy probe's size, and a shot of two figures that it looks at."""

from __future__ import annotations

import torch

from filmagent.training.papercut.probe.net import ProbeSize
from filmagent.training.papercut.world import Figure, Performance, Setting, ShotScript

TINY = ProbeSize(fine=8, wide=16, deep=16, known=16, close=(8, 16, 16))
CPU = torch.device("cpu")
CAT = Figure("cat", "white", "hat", "blue", "spots", "red", "big")
DOG = Figure("dog", "brown", "scarf", "green")
BOTH = ShotScript(
    (CAT, DOG),
    Setting("forest", 2),
    "day",
    "wide",
    "rain",
    "still",
    (Performance(0, "waves", 1, 0.27), Performance(1, "sits", -1, 0.73)),
)
