"""Several processes that make toy shots together over gloo, on this machine's CPU."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.parallel.arrangement import Arrangement
from tests.support.processes import run_processes

SECONDS = 60
"""After which a process counts as hanging."""
PRELOAD = ("filmagent.generation.wan.parallel.follower", "tests.support.tiny_wan")


def together(
    count: int, folder: Path, lead: Callable[..., Any], *given: Any, limit: timedelta = timedelta(minutes=1)
) -> tuple[Any, list[int | None]]:
    """Run `lead(conductor, *given)` in one process and have the others follow it.

    Returns what it returned, or the error that it raised, and the processes' exit codes; None for one that hangs. An
    exchange of tensors may take as long as `limit`.
    """
    made = folder / "made"
    given_each = [(rank, count, folder / "meeting", made, limit, lead, given) for rank in range(count)]
    codes = run_processes(_work, given_each, PRELOAD, SECONDS)
    return pickle.loads(made.read_bytes()), codes


def conducted(conductor: Any, config: WanConfig, arrangement: Arrangement) -> Any:
    """Return the generator of a configuration, on all processes that a conductor leads."""
    from filmagent.generation.wan.captions import caption_for_wan
    from filmagent.generation.wan.parallel.generator import ConductedGenerator

    return ConductedGenerator(config, caption_for_wan, conductor, arrangement)


def sampled(config: WanConfig, **changes: Any) -> WanConfig:
    """Return a configuration that samples otherwise."""
    return replace(config, sampling=replace(config.sampling, **changes))


def _work(rank: int, count: int, meeting: Path, made: Path, limit: timedelta, lead: Callable[..., Any],
          given: tuple[Any, ...]) -> None:
    import torch

    from filmagent.generation.wan.parallel.conductor import Conductor
    from filmagent.generation.wan.parallel.ensemble import join, leave
    from filmagent.generation.wan.parallel.follower import follow

    torch.set_num_threads(1)
    meeting.with_name(f"process-{rank}").write_text(str(os.getpid()))
    ensemble = join(where=f"file://{meeting}", rank=rank, size=count, limit=limit)
    if rank > 0:
        follow(ensemble)
        return
    conductor = Conductor(ensemble)
    try:
        result = lead(conductor, *given)
        conductor.dismiss()
        leave()
    except Exception as error:
        conductor.dismiss()
        error.__cause__ = error.__context__ = None  # what caused it may not travel between processes
        result = error
    made.write_bytes(pickle.dumps(result))
