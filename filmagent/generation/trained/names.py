"""The names that training and filming share: policies that can be trained, those in the package, experts, limits.

Knows no torch and no file.
"""

from __future__ import annotations

from typing import Literal, get_args

Policy = Literal["storymem", "memento", "onestory"]
Expert = Literal["denoiser", "high_noise", "low_noise"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
EXPERTS: tuple[Expert, ...] = get_args(Expert)
BUILT_IN: tuple[Policy, ...] = ("memento", "onestory")
"""The memories that have weights in the package, beside papercut's."""
PART: dict[Expert, str] = {"denoiser": "transformer", "high_noise": "transformer", "low_noise": "transformer_2"}
"""Where an expert lies in diffusers' folders; `denoiser` is the only expert of a base."""
STORYMEM_FRAMES, MEMENTO_FRAMES = 10, 8
"""Memory frames that a shot is shown at most, StoryMem's where its base has no limit of its own; OneStory's are its
budget's."""
