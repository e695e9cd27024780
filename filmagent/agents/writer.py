"""The writer: a logline becomes a story, by a language model or by the offline grammar.

Checks what is asked before anything is spent. Knows both ways of writing; nothing of directing or filming.
"""

from __future__ import annotations

from filmagent.agents.llm import LLM
from filmagent.agents.llm_writer import write_with_llm
from filmagent.agents.offline.story import write_offline
from filmagent.agents.story_request import StoryRequest, check_logline, check_request
from filmagent.schemas.story import Story

__all__ = ["check_logline", "write_story"]


def write_story(
    logline: str,
    *,
    llm: LLM | None,
    shots: int | None = None,
    style: str = "",
    notes: str = "",
    previous: Story | None = None,
    seed: int = 0,
    cast: tuple[str, ...] = (),
) -> Story:
    """Write a story whose captions all pass the validator.

    Args:
        logline: what the film tells, in any language. Captions are English.
        llm: who writes; None: the offline grammar, which gives the same story for the same arguments.
        shots: exactly this many, 1 to 64; None: the writer's choice (offline: 8).
        style: look of the film, kept as it is.
        notes: what a person wants changed.
        previous: the story that the notes are about.
        seed: varies what the logline leaves open. A language model is told of no seed.
        cast: names that photographs were given for; every one becomes a subject's name or id.

    Raises:
        UsageError: the logline is empty or too long, or the number of shots is out of range.
        WriterError: the language model's captions still fail the validator after the last round.
        LLMError: the language model gave nothing usable.
    """
    request = StoryRequest(logline, shots, style, notes, previous, seed, cast)
    check_request(request)
    return write_offline(request) if llm is None else write_with_llm(request, llm)
