"""The procedural world of paper cut-outs whose truth is known exactly. Knows nothing of models."""

from filmagent.training.papercut.world.forms import EVERY_FORM, FORMS, StoryShot, ToldStory, tell_story
from filmagent.training.papercut.world.render import (
    RenderedShot,
    height_steps,
    render_frames,
    render_shot,
    seen_at,
    standing,
    steps_taller,
)
from filmagent.training.papercut.world.script import Figure, Performance, Setting, ShotScript
from filmagent.training.papercut.world.stage import FPS, FRAMES, HEIGHT, WIDTH
from filmagent.training.papercut.world.story import (
    WorldStory,
    begins_as_at_a_cut,
    sample_shot,
    sample_story,
    stage_shot,
)
from filmagent.training.papercut.world.visible import pattern_pixels

__all__ = [
    "EVERY_FORM",
    "FORMS",
    "FPS",
    "FRAMES",
    "HEIGHT",
    "WIDTH",
    "Figure",
    "Performance",
    "RenderedShot",
    "Setting",
    "ShotScript",
    "StoryShot",
    "ToldStory",
    "WorldStory",
    "begins_as_at_a_cut",
    "height_steps",
    "pattern_pixels",
    "render_frames",
    "render_shot",
    "sample_shot",
    "sample_story",
    "seen_at",
    "stage_shot",
    "standing",
    "steps_taller",
    "tell_story",
]
