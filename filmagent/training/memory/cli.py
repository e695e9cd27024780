"""Words typed by a person -> the training of a memory on her own films -> an exit code. Knows no mathematics.

`filmagent train memory --policy storymem --base wan2.2 --data DIR`: DIR is what `filmagent curate` makes. Called again,
it goes on where its folder stands. `accelerate launch -m filmagent train memory ...` uses several cards, and
with `--shard` they hold the frozen expert together.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmagent.errors import UsageError
from filmagent.generation.port import FrameSize
from filmagent.generation.trained.names import POLICIES
from filmagent.generation.wan.memento.quota import QUERIES

if TYPE_CHECKING:
    from filmagent.training.memory.trainer import Plan


def main(words: Sequence[str] | None = None) -> int:
    """Parse the words after `train memory` and run them."""
    parser = argparse.ArgumentParser(prog="filmagent train memory", description=__doc__)
    _add_arguments(parser)
    return run(parser.parse_args(words))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", choices=POLICIES, required=True, help="whose memory")
    parser.add_argument(
        "--base",
        required=True,
        metavar="NAME",
        help="papercut, papercut:FOLDER, wan2.2, or a folder of a Wan2.2 image-to-video model",
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="sequences, from `filmagent curate`")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("memory-training"),
        metavar="DIR",
        help="checkpoints, logs, pictures, and weights/ (default: memory-training)",
    )
    parser.add_argument(
        "--expert",
        choices=("high_noise", "low_noise"),
        help="train this one of two experts only (default: both, one after the other)",
    )
    parser.add_argument(
        "--budget",
        type=int,
        default=1,
        metavar="N",
        help="onestory: memory tokens of a shot, in latent frames, 1, 2 or 3 (default: 1)",
    )
    parser.add_argument(
        "--reconstruction",
        type=float,
        metavar="SHARE",
        help="memento: how often a subject is reconstructed beside the shot, 0 (never) to 1 (default: 0.8)",
    )
    parser.add_argument(
        "--queries",
        choices=QUERIES,
        help="memento: which of its queries choose memory, in training and in filming (default: both)",
    )
    parser.add_argument(
        "--cached-memory",
        action="store_true",
        help="storymem: read memory once a shot and keep its keys and values, in training and in filming (a trial)",
    )
    parser.add_argument("--steps", type=int, default=6000, help="of each expert, all runs together (default: 6000)")
    parser.add_argument("--size", metavar="WxH", help="pixels of the frames (default: the base's own)")
    parser.add_argument(
        "--frames",
        type=int,
        help="frames of a shot, 4 n + 1 (default: the base's own; 1, first pictures alone, where it films on picture "
        "by picture)",
    )
    parser.add_argument("--rank", type=int, help="rank and alpha of the LoRA (default: 128; papercut 16)")
    parser.add_argument("--rate", type=float, help="learning rate (default: 1e-5; papercut 5e-4)")
    parser.add_argument(
        "--batch",
        type=int,
        help="examples that go through the expert together, alike in how much they remember (default: 1; papercut 16)",
    )
    parser.add_argument("--accumulate", type=int, default=1, help="batches a step and process (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and examples (default: 0)")
    parser.add_argument("--save-every", type=int, default=100, help="steps between checkpoints (default: 100)")
    parser.add_argument("--validate-every", type=int, default=250, help="steps between validations (default: 250)")
    parser.add_argument("--eight-bit", action="store_true", help="AdamW with 8-bit states; needs bitsandbytes")
    parser.add_argument(
        "--shard",
        action="store_true",
        help="several processes: share the frozen blocks out among their cards (default: each card holds them all)",
    )
    parser.add_argument("--cpu", action="store_true", help="leave a card alone")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: as many as torch takes)")
    parser.add_argument("--check", action="store_true", help="only check everything and say what would be trained")


def run(args: argparse.Namespace) -> int:
    """Check everything, then train what the arguments say."""
    plans = _plans(args)
    for plan in plans:
        _say(str(plan))
    if args.check:
        return 0
    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    from filmagent.training.memory.trainer import train_memory

    for plan in plans:
        file = train_memory(plan, args.out, cpu=args.cpu, on_film=_tell_film, on_step=_tell)
        _say(f"weights: {file}")
    return 0


def _plans(args: argparse.Namespace) -> list[Plan]:
    from filmagent.generation.trained.bases import open_base
    from filmagent.training.memory.reading import films_of
    from filmagent.training.memory.settings import MemoryTraining
    from filmagent.training.memory.trainer import plan_training
    from filmagent.training.memory.words import words_for
    from filmagent.training.sequences.reader import open_sequences

    of_memento = _of_memento(args)
    base = open_base(args.base, args.policy)
    size = _size(args.size) if args.size else base.config.native_size
    films = films_of(
        open_sequences(args.data),
        words_for(base, args.policy),
        size,
        base.config.fps,
        own_captions=base.name != "papercut",
    )
    experts = (args.expert,) if args.expert else base.experts
    return [
        plan_training(
            base,
            films,
            MemoryTraining(
                policy=args.policy,
                expert=expert,
                size=size,
                frames=args.frames or base.frames,
                rank=args.rank if args.rank is not None else base.rank,
                rate=args.rate if args.rate is not None else base.rate,
                steps=args.steps,
                batch=args.batch if args.batch is not None else base.batch,
                accumulate=args.accumulate,
                seed=args.seed,
                save_every=args.save_every,
                validate_every=args.validate_every,
                eight_bit=args.eight_bit,
                gradient_checkpointing=base.checkpointed,
                dropout=base.dropout,
                most_memory=base.config.max_memory,
                budget=args.budget,
                cached=args.cached_memory,
                shard=args.shard,
                **of_memento,
            ),
            args.data,
        )
        for expert in experts
    ]


def _of_memento(args: argparse.Namespace) -> dict[str, Any]:
    """Return what was given of Memento's own settings. Raises UsageError where another policy is trained."""
    given = {name: value for name in ("reconstruction", "queries") if (value := getattr(args, name)) is not None}
    if given and args.policy != "memento":
        raise UsageError(f"--{next(iter(given))} is Memento's; {args.policy} has none")
    return given


def _size(text: str) -> FrameSize:
    width, x, height = text.lower().partition("x")
    if not (x and width.isdigit() and height.isdigit()):
        raise UsageError(f"size {text!r}: write it as WIDTHxHEIGHT, such as 832x480")
    return FrameSize(int(width), int(height))


def _tell_film(done: int, of: int) -> None:
    if done in {1, of} or done % 10 == 0:
        _say(f"looked at film {done} of {of}")


def _tell(step: int, line: Mapping[str, float]) -> None:
    held_out = f", held out {line['held out']:.4f}" if "held out" in line else ""
    if step % 10 == 0 or held_out:
        _say(f"step {step}: loss {line['loss, smoothed']:.4f}{held_out}")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
