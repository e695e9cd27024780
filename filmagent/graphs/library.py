"""The film in one call, for programs that want no graph of their own.

Knows run folders and the runner; everything else is theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filmagent.errors import UsageError
from filmagent.graphs.run_folder import RunRequest, folder_for
from filmagent.graphs.runner import Answer, Event, OpenQuestion, RunResult, ignore, leave_open, run_film
from filmagent.graphs.studio import Studio
from filmagent.schemas.story import Story
from filmagent.settings import Settings


def make_film(
    logline: str = "",
    *,
    story: Story | None = None,
    out: str | Path | None = None,
    settings: Settings | None = None,
    studio: Studio | None = None,
    on_event: Callable[[Event], None] = ignore,
    ask: Callable[[OpenQuestion], Answer | None] = leave_open,
) -> RunResult:
    """Make a film, or go on with one that was interrupted: the same call with the same words is the same film.

    Args:
        logline: one sentence that the film tells. Give it or `story`.
        story: a story to film exactly.
        out: the run folder; None: `runs/<slug>/`.
        settings: every other choice; None: the built-in model, no LLM, nobody asked.
        studio: live things of your own (generator, LLM, critic).
        on_event: called with progress events.
        ask: called with every open question; returns the answer, or None to stop and wait.

    Raises:
        UsageError: the input cannot be filmed. Nothing was written.
        FilmAgentError: of the class that fits what went wrong; the same call goes on where it stopped.
    """
    from filmagent.agents.writer import check_logline

    if (story is None) == (not logline.strip()):
        raise UsageError("give a logline or a story, one of them")
    if story is None:
        check_logline(logline)
    request = RunRequest(logline=logline.strip(), story=story, settings=settings or Settings())
    folder = folder_for(request, None if out is None else Path(out))
    return run_film(folder, request=request, studio=studio, on_event=on_event, ask=ask)
