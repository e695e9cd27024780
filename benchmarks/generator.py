"""Measures seconds per stage and step of a shot, and the arithmetic it reaches, for several numbers of memory frames.

    python benchmarks/generator.py --generator papercut --memory 0,3,5 --repeat 3

The first shot loads the weights and is measured apart. Pictures are noise: time does not depend on them.
"""


from __future__ import annotations

import argparse
import statistics
import sys

import numpy as np

from filmagent.errors import FilmAgentError
from filmagent.generation.costs import KnowsCosts, ShotShape
from filmagent.generation.port import FrameSize, GeneratedShot, GenerationRequest, Generator
from filmagent.generation.registry import create_generator, generator_names

STAGES = ("text", "encode", "denoise", "decode")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--generator", default="papercut", help=", ".join(generator_names()))
    parser.add_argument("--memory", default="0,3,5", help="numbers of memory frames, such as 0,3,5")
    parser.add_argument("--repeat", type=int, default=3, help="shots for each number; medians are shown")
    parser.add_argument("--steps", type=int, help="denoising steps; default: the generator's")
    parser.add_argument("--guidance", type=float, help="guidance scale; default: the generator's")
    return parser.parse_args()


def film(generator: Generator, memory: int, seed: int) -> GeneratedShot:
    """Make one shot at native size with pictures of noise as memory, fresh ones for every seed."""
    can, noise = generator.capabilities, np.random.default_rng(seed)
    size: FrameSize = can.native_size
    pictures = noise.integers(0, 256, (memory, size.height, size.width, 3), dtype=np.uint8)
    return generator.generate(GenerationRequest(
        prompt=f"wide shot of the forest at day {seed}", link="scene_cut", seed=seed, size=size, frames=can.frames,
        memory=tuple(pictures),
    ))


def arithmetic(generator: Generator, memory: int, denoise: float) -> str:
    """Return tokens, seconds a step and TFLOP/s by the cost model; nothing for a generator that tells no costs."""
    if not isinstance(generator, KnowsCosts):
        return ""
    can = generator.capabilities
    cost, steps = generator.cost(ShotShape(can.native_size, can.frames, memory)), generator.fingerprint["steps"]
    return f"{cost.tokens:>9,}{denoise / float(steps):9.3f}{cost.denoise_flops / denoise / 1e12:10.3f}"


def main() -> int:
    """Measure and print a table."""
    given = arguments()
    try:
        generator = create_generator(given.generator, steps=given.steps, guidance=given.guidance)
        first = film(generator, 0, 0)
        print(f"{generator.capabilities.name}: {dict(generator.fingerprint)}")
        print(f"first shot, seconds: {dict(first.seconds)}\n")
        print("memory  " + "".join(f"{stage:>9}" for stage in STAGES) + "    whole   tokens   a step   TFLOP/s")
        for memory in (int(word) for word in given.memory.split(",")):
            shots = [film(generator, memory, 1 + 100 * memory + number) for number in range(given.repeat)]
            medians = [statistics.median(shot.seconds[stage] for shot in shots) for stage in STAGES]
            print(f"{memory:>6}  " + "".join(f"{value:9.3f}" for value in medians) + f"{sum(medians):9.3f}"
                  + arithmetic(generator, memory, medians[STAGES.index("denoise")]))
    except FilmAgentError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
