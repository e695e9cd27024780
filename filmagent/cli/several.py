"""`--gpus N`: starts this command once a GPU, and makes one film with all of them.

The words typed are started again under torch's launcher (what `torchrun --standalone` uses), a process a GPU. The
first does everything that it would do alone; the others follow its generator, and what they print goes nowhere. Knows
processes and exit codes; how a shot is parted is `filmagent.generation.wan.parallel`'s.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from filmagent.errors import UsageError
from filmagent.graphs.studio import Studio, generator_of
from filmagent.settings import Settings

INTERRUPTED = 130
SECONDS_TO_END = 30
"""How long the other processes have to end once one has failed, before they are killed."""


def run_on_several(words: Sequence[str], options: argparse.Namespace) -> int:
    """Run a command on `options.gpus` GPUs and return its exit code.

    Args:
        words: the command line, as it was typed.
        options: what was read from it; its `run` is called in one of the processes, with its `conductor` set.

    Raises:
        UsageError: there are not so many GPUs.
    """
    if options.gpus == 1:
        alone: int = options.run(options)
        return alone
    import torch.distributed as dist

    if not dist.is_torchelastic_launched():
        check_gpus(options.gpus)
        return start(["-m", "filmagent", *words], options.gpus)
    from torch.distributed.elastic.multiprocessing.errors import record

    from filmagent.generation.wan.parallel.conductor import Conductor
    from filmagent.generation.wan.parallel.ensemble import join, leave

    ensemble = join()
    if ensemble.rank > 0:
        from filmagent.generation.wan.parallel.follower import follow

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # the first process stops after its step, and then says so
        record(follow)(ensemble)
        leave()  # what gloo's threads still hold would otherwise be torn down while the first process hangs up
        return 0
    options.conductor = conductor = Conductor(ensemble)
    try:
        code: int = options.run(options)
    finally:
        conductor.dismiss()
    leave()
    return code


def studio_for(options: argparse.Namespace, settings: Settings) -> Studio:
    """Return a studio for a command; on several GPUs, one whose generator uses them all.

    Raises:
        UsageError: the generator of these settings cannot be parted among so many. Nothing is loaded yet.
    """
    conductor = getattr(options, "conductor", None)
    if conductor is None:
        return Studio()
    from filmagent.generation.wan.parallel.generator import on_several_gpus

    studio = Studio(make_generator=lambda chosen: on_several_gpus(generator_of(chosen), conductor))
    studio.generator(settings)
    return studio


def check_gpus(count: int) -> None:
    """Raise UsageError when the machine has fewer CUDA GPUs."""
    import torch

    there = torch.cuda.device_count()
    if not 1 <= count <= there:
        raise UsageError(f"--gpus {count}: this machine has {there} CUDA GPUs; give as many at most, or leave it out")


def start(arguments: Sequence[str], count: int) -> int:
    """Start Python with these arguments in `count` processes, and return the exit code of the first.

    Each sees one GPU, as its first. When one ends in an error the others are ended too, after at most
    `SECONDS_TO_END`; of one that follows, stderr is told why. The first writes to stdout and stderr as ever, the
    others to files that are deleted at the end.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException, Std
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    for name in list(logging.root.manager.loggerDict):
        if name.startswith("torch.distributed.elastic"):  # what it has to say is said below, in one line
            logging.getLogger(name).setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="filmagent-gpus-") as folder:
        config = LaunchConfig(
            min_nodes=1, max_nodes=1, nproc_per_node=count, max_restarts=0, virtual_local_rank=True,
            run_id=uuid.uuid4().hex, rdzv_backend="c10d", rdzv_endpoint="localhost:0", local_addr="localhost",
            logs_specs=DefaultLogsSpecs(folder, redirects=dict.fromkeys(range(1, count), Std.ALL)),
            shutdown_timeout=SECONDS_TO_END,
        )
        try:
            elastic_launch(config, sys.executable)(*arguments)
        except ChildFailedError as error:
            return _exit_code(error.failures)
        except SignalException:
            return INTERRUPTED
    return 0


def _exit_code(failures: Mapping[int, Any]) -> int:
    """Return the first process' exit code. It has said itself why it failed, unless a signal ended it."""
    own = {rank: each for rank, each in failures.items() if each.exitcode != -signal.SIGTERM}  # not by the launcher
    if not own:
        return INTERRUPTED
    first = min(own, key=lambda rank: (own[rank].timestamp, rank == 0))
    failed = own[first]
    if first > 0 or failed.exitcode < 0:
        told = failed.message["message"] if isinstance(failed.message, dict) else failed.message
        sys.stderr.write(f"filmagent: the process of GPU {first} failed: {told}\n")
    return max(1, own[0].exitcode) if 0 in own else 1
