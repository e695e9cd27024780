"""A shot's caption in Memento's words: who is in frame and what they look like, then what happens.

`global caption: [Person A]: looks; shot caption: [Person A] does this.` Captions that are written so already stay as
they are. Pure; knows no model.
"""

from __future__ import annotations

from filmagent.generation.port import IdentityPrompt, ShotPrompt
from filmagent.generation.wan.captions import caption_for_wan
from filmagent.schemas.memento_story import global_caption, join_prompt, labels, looks, split_prompt, with_labels
from filmagent.schemas.story import Shot, Story


def caption_for_memento(story: Story, shot: Shot) -> ShotPrompt:
    """Return the prompt of a shot, and the text of its main subject's picture."""
    named = labels(story)
    if split_prompt(shot.caption) is not None:
        prompt = shot.caption
    else:
        # Appearances belong to the global part alone; place, camera and style are told of the shot.
        told = caption_for_wan(story, shot.model_copy(update={"subjects": ()})).text
        prompt = join_prompt(global_caption(story, shot), with_labels(story, told))
    main = next((key for key in shot.subjects if looks(story.subject(key))), None)
    identity = None if main is None else IdentityPrompt(main, f"{named[main]} {looks(story.subject(main))}")
    return ShotPrompt(prompt, identity=identity)
