"""What a filmmaker chooses with `--speed`: four names, and what each switches on. Pure data and arithmetic; no torch.

The cache's threshold is the one that cost papercut least for what it skipped (docs/benchmarks.md); what it does to a
film of Wan2.2 has not been measured. Every take and manifest names what was on. Sources: first-block cache,
ParaAttention; few-step adapters, github.com/ModelTC/Wan2.2-Lightning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from filmagent.errors import UsageError
from filmagent.generation.wan.config import DistilledAdapter, WanConfig, distil
from filmagent.generation.wan.fast.options import PLAIN, FirstBlockCache, SpeedOptions

EXACT = "exact"
FEWEST_STEPS = 2
"""One for each expert."""


@dataclass(frozen=True)
class Speed:
    """One word after `--speed`."""

    name: str
    says: str
    """What it does and what it costs, for a person who has not read the papers."""
    steps: float = 1.0
    """Share of the generator's own steps."""
    options: SpeedOptions = PLAIN
    few_step: bool = False
    """With the generator's few-step adapter, in that one's steps and without guidance."""


SPEEDS: Mapping[str, Speed] = {
    speed.name: speed
    for speed in (
        Speed(EXACT, "every step and both branches of guidance, as published; nothing is skipped"),
        Speed(
            "balanced",
            "all steps and guidance; in a step an expert's blocks are skipped when the first one changes by less than "
            "10 %: fine detail may differ",
            options=SpeedOptions(cache=FirstBlockCache(0.1)),
        ),
        Speed(
            "fast",
            "half the steps, and blocks are skipped as in balanced: it may become another take of the shot",
            steps=0.5,
            options=SpeedOptions(cache=FirstBlockCache(0.1)),
        ),
        Speed(
            "draft",
            "four steps without guidance, by LightX2V's adapter (`filmagent models pull wan2.2-4steps`, 4.9 GB): to "
            "see whether the cut works. It was not made for memory, and its page names large motion as its weakness",
            few_step=True,
        ),
    )
}
"""By the words that a person types, the slowest first."""


def check_speed(name: str) -> Speed:
    """Return what a word means. Raises UsageError naming those that there are."""
    if name not in SPEEDS:
        raise UsageError(f"--speed {name!r} is unknown; choose from {', '.join(SPEEDS)}")
    return SPEEDS[name]


def at_speed(
    config: WanConfig,
    name: str,
    adapter: Callable[[], DistilledAdapter],
    *,
    steps: int | None = None,
    guidance: float | None = None,
) -> WanConfig:
    """Return a configuration that films at a speed.

    Args:
        config: with the steps and guidance that a person asked for, if any, chosen already.
        name: one of SPEEDS.
        adapter: gives the few-step adapter for its experts; whether its files are there is found out later.
        steps: denoising steps that a person asked for: they win over the speed's share; None: none.
        guidance: guidance scale that she asked for; None: none.

    Raises:
        UsageError: there is no such speed, or it leaves no choice of steps or guidance.
    """
    speed = check_speed(name)
    if speed.few_step:
        return distil(config, _unchanged(adapter(), name, steps, guidance))
    sampling = config.sampling
    if steps is None and speed.steps != 1:
        sampling = replace(sampling, steps=max(FEWEST_STEPS, round(sampling.steps * speed.steps)))
    return replace(config, sampling=sampling, speed=speed.options)


def _unchanged(adapter: DistilledAdapter, name: str, steps: int | None, guidance: float | None) -> DistilledAdapter:
    """Return the adapter, if nobody asks for what it was not distilled for."""
    if steps is not None and steps != len(adapter.sigmas):
        raise UsageError(f"--steps {steps}: --speed {name} makes exactly the {len(adapter.sigmas)} steps that its "
                         "adapter was distilled for; leave --steps out, or choose another speed")
    if guidance is not None and guidance > 1:
        raise UsageError(f"--guidance {guidance:g}: --speed {name} films without guidance, which its adapter has "
                         "taken in; leave --guidance out, or choose another speed")
    return adapter
