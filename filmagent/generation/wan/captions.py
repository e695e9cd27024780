"""A shot's caption in the words that Wan was trained on: one prose paragraph that stands alone.

StoryMem's authors advise to spell attributes out in every prompt (its README and issue 7): each shot is generated
from its own words and the memory frames, never from other prompts. Pure; knows no model.
"""

from __future__ import annotations

from filmagent.generation.port import ShotPrompt
from filmagent.schemas.story import Shot, Story

SIZE_WORDS = {"wide": "Wide shot", "medium": "Medium shot", "close": "Close-up"}
CAMERA_WORDS = {"still": "", "pan": "The camera pans slowly.", "push_in": "The camera slowly pushes in."}


def caption_for_wan(story: Story, shot: Shot) -> ShotPrompt:
    """Return the caption with what it leaves unsaid: looks of everybody in frame, shot size, camera, style."""
    caption = _sentence(shot.caption)
    said = caption.casefold()
    parts = [caption]
    seen = [story.subject(key) for key in shot.subjects]
    place = story.place_of(shot)
    for subject in (*seen, *([] if place is None else [place])):
        if subject.appearance and subject.appearance.casefold() not in said:
            parts.append(_sentence(f"{subject.name}: {subject.appearance}"))
    if SIZE_WORDS[shot.shot_size].casefold() not in said:
        parts.append(f"{SIZE_WORDS[shot.shot_size]}.")
    if CAMERA_WORDS[shot.camera] and "camera" not in said:
        parts.append(CAMERA_WORDS[shot.camera])
    if story.style and story.style.casefold() not in said:
        parts.append(_sentence(story.style))
    return ShotPrompt(" ".join(parts))


def _sentence(text: str) -> str:
    """End a text with a full stop, unless it ends as a sentence already."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
