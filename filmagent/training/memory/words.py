"""In which words a base is told a curated clip while it learns: those that its generator films with."""

from __future__ import annotations

from filmagent.generation.papercut.casting import cast_shot
from filmagent.generation.trained.bases import Base
from filmagent.generation.trained.names import Policy
from filmagent.training.memory.reading import Words, as_captioned, as_paragraph
from filmagent.training.sequences.reader import ShotSequence


def words_for(base: Base, policy: Policy) -> Words:
    """Return how a base is told a clip."""
    if base.name != "papercut":
        return as_captioned if policy == "memento" else as_paragraph
    return _in_papercut_words


def _in_papercut_words(sequence: ShotSequence, index: int) -> str:
    own = sequence.record.sequence_clips[index].papercut
    story = sequence.record.story
    return own or cast_shot(story, story.shots[index]).text
