"""Stories of the offline writer, and what is asked of them again and again."""

from __future__ import annotations

from filmagent.agents.writer import write_story
from filmagent.schemas.story import Story


def write(logline: str, **order) -> Story:
    return write_story(logline, llm=None, **order)


def hero(story: Story):
    return story.subjects[0]


def places(story: Story) -> list[str]:
    return [story.subject(scene.place).name for scene in story.scenes]
