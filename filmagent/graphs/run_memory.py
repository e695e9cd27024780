"""What a run knows now, read from its checkpoints without working on it.

Knows the folder and the graph's state; nothing of what is done with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from langgraph.checkpoint.sqlite import SqliteSaver

from filmagent.errors import UsageError
from filmagent.graphs.build import build_graph
from filmagent.graphs.reconstruct import RunMemory
from filmagent.graphs.run_folder import read_request
from filmagent.graphs.runner import THREAD
from filmagent.graphs.state import FilmState


def read_memory(folder: Path) -> RunMemory:
    """Read what a run knows now, without working on it.

    Raises:
        UsageError: the run remembers nothing yet.
        ArtifactError: what it was asked for is damaged.
    """
    request, checkpoints = read_request(folder), folder / "run.sqlite"
    state: FilmState = {}
    if checkpoints.is_file():
        with SqliteSaver.from_conn_string(str(checkpoints)) as saver:
            state = cast("FilmState", build_graph(saver).get_state(THREAD).values)
    if not state.get("story") or not (state.get("accepted") or state.get("references")):
        raise UsageError(f"{folder} remembers nothing yet: no take was accepted and no photograph given; "
                         f"`filmagent resume {folder}` goes on with the film")
    return RunMemory(folder, request.settings, state)
