"""The procedural world of paper cut-outs whose truth is known exactly. Knows nothing of models."""

from filmagent.training.papercut.world.render import RenderedShot, render_frames, render_shot
from filmagent.training.papercut.world.story import (
    Figure,
    Performance,
    ShotScript,
    WorldStory,
    sample_shot,
    sample_story,
)

__all__ = [
    "Figure",
    "Performance",
    "RenderedShot",
    "ShotScript",
    "WorldStory",
    "render_frames",
    "render_shot",
    "sample_shot",
    "sample_story",
]
