"""What a writer is asked for, checked before anything is spent. Knows limits; nothing of writing."""

from __future__ import annotations

from dataclasses import dataclass

from filmagent.errors import UsageError
from filmagent.schemas.story import Story

MOST_WORDS = 2000
MOST_CHARACTERS = 12_000
MOST_SHOTS = 64


@dataclass(frozen=True)
class StoryRequest:
    """One order for a story."""

    logline: str
    shots: int | None = None
    """Exactly this many; None: the writer's choice."""
    style: str = ""
    notes: str = ""
    """What a person said of the story before."""
    previous: Story | None = None
    """The story that the person rejected."""
    seed: int = 0
    cast: tuple[str, ...] = ()
    """Names that photographs were given for; every one must be a subject's name or id."""


def check_logline(logline: str) -> None:
    """Refuse a logline that no writer can work with.

    Raises:
        UsageError: it is empty, or longer than 2,000 words or 12,000 characters.
    """
    if not logline.strip():
        raise UsageError("the logline is empty; give one sentence, such as \"a cat's journey home\"")
    _check_length(logline, "logline")


def check_request(request: StoryRequest) -> None:
    """Refuse an order that cannot be carried out. Raises UsageError naming the limit."""
    check_logline(request.logline)
    _check_length(request.notes, "note")
    if request.shots is not None and not 1 <= request.shots <= MOST_SHOTS:
        raise UsageError(f"{request.shots} shots cannot be written; ask for 1 to {MOST_SHOTS}")
    for name in request.cast:
        if not name.strip():
            raise UsageError("a subject of the cast has no name; write --reference \"NAME=FILE\"")


def _check_length(text: str, what: str) -> None:
    words = len(text.split())
    if words > MOST_WORDS or len(text) > MOST_CHARACTERS:
        raise UsageError(f"the {what} has {words} words and {len(text)} characters; at most {MOST_WORDS} words and "
                         f"{MOST_CHARACTERS} characters can be read. Shorten it, or give a story file")
