"""filmagent: from a logline to a film.

    from filmagent import make_film
    print(make_film("a cat's journey home").film_path)

Importing this loads neither torch nor langgraph: the public names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from filmagent.version import __version__

if TYPE_CHECKING:
    from filmagent.errors import FilmAgentError, UsageError
    from filmagent.graphs.build import build_graph
    from filmagent.graphs.context import FilmContext
    from filmagent.graphs.library import make_film
    from filmagent.graphs.runner import RunResult
    from filmagent.graphs.studio import Studio
    from filmagent.schemas.story import Story
    from filmagent.settings import Settings

_HOMES = {
    "FilmAgentError": "filmagent.errors",
    "FilmContext": "filmagent.graphs.context",
    "RunResult": "filmagent.graphs.runner",
    "Settings": "filmagent.settings",
    "Story": "filmagent.schemas.story",
    "Studio": "filmagent.graphs.studio",
    "UsageError": "filmagent.errors",
    "build_graph": "filmagent.graphs.build",
    "make_film": "filmagent.graphs.library",
}

__all__ = [
    "FilmAgentError",
    "FilmContext",
    "RunResult",
    "Settings",
    "Story",
    "Studio",
    "UsageError",
    "__version__",
    "build_graph",
    "make_film",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'filmagent' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
