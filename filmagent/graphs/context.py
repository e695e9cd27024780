"""What a run is given from outside: settings and a folder, as plain JSON that any host can send.

Knows nothing of what the nodes do with it. Live things (generator, LLM, scorers) are looked up by name in `studio.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime
from pydantic import ValidationError

from filmagent.errors import UsageError
from filmagent.generation.port import Capabilities, FrameSize
from filmagent.settings import Settings


class FilmContext(Settings):
    """The context schema of the graph: every setting of a film, and where it is made. All fields have defaults."""

    run_dir: str = ""
    """The run folder; empty: `runs/<thread id>`, so that threads of a host never share one."""


def context_of(runtime: Runtime[Any]) -> FilmContext:
    """Return the film's context, whatever a host handed to an embedded graph.

    A host's own context object reaches an embedded graph unconverted; one that is neither ours nor a mapping
    of our fields means that the host left everything at its default.
    """
    given = runtime.context
    if isinstance(given, FilmContext):
        return given
    if isinstance(given, dict):
        try:
            return FilmContext.model_validate(given)
        except ValidationError as error:
            raise UsageError(f"the context does not fit filmagent's settings: {error}") from error
    return FilmContext()


def frame_size(context: FilmContext, capabilities: Capabilities) -> FrameSize:
    """Return the size of the film's takes: what was asked for, else the generator's own."""
    native = capabilities.native_size
    return FrameSize(context.width or native.width, context.height or native.height)


def run_folder(runtime: Runtime[Any]) -> Path:
    """Return the folder of this run. Raises UsageError when neither a folder nor a thread names it."""
    context = context_of(runtime)
    if context.run_dir:
        return Path(context.run_dir)
    thread = runtime.execution_info.thread_id if runtime.execution_info else None
    if not thread:
        raise UsageError("no run folder: set run_dir in the context, or invoke with a thread_id")
    return Path("runs") / str(thread)
