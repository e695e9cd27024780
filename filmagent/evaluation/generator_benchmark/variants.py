"""What is measured beside the plain loop: words of a person -> speed options. Knows no torch and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from filmagent.errors import UsageError
from filmagent.generation.wan.fast.options import PLAIN, FirstBlockCache, SpeedOptions

FIRST_BLOCK, MAGNITUDE = 0.05, 0.06
"""Thresholds of the caches where a person gives none: diffusers' own."""
INTERVAL = (0.2, 0.9)
"""Noise levels that are guided where a person gives none."""
NONE = "none"


@dataclass(frozen=True)
class Variant:
    """One way to make the shot."""

    name: str
    speed: SpeedOptions = PLAIN
    magnitude: float | None = None
    """Threshold of a magnitude cache, whose ratios are measured first."""
    few_step: bool = False
    """With the few-step adapter on, in its steps and without guidance."""


PLAIN_VARIANT = Variant("plain")


def choose_variants(
    *, guidance: str = NONE, cache: str = NONE, attention: str = NONE, compiled: bool = False, few_step: bool = False
) -> list[Variant]:
    """Return the variants that a person asked for, without the plain loop.

    Args:
        guidance: comma-separated: `joint`, `interval` or `interval:LOW-HIGH`; `none`.
        cache: comma-separated: `first-block`, `magnitude`, each with `:THRESHOLD` behind it or not; `none`.
        attention: comma-separated names of diffusers' kernels; `none`.
        compiled: measure compiled blocks.
        few_step: measure a few-step adapter.

    Raises:
        UsageError: a word is none of these, or a number cannot be used.
    """
    found = [
        *_chosen("--guidance", guidance, {"joint": _joint, "interval": _interval}),
        *_chosen("--cache", cache, {"first-block": _first_block, "magnitude": _magnitude}),
        *(Variant(f"attention {name}", SpeedOptions(attention=name)) for name in _words(attention)),
    ]
    if few_step:
        found.append(Variant("few-step adapter", few_step=True))
    if compiled:
        found.append(Variant("compiled blocks", SpeedOptions(compiled=True)))
    return found


def _chosen(flag: str, given: str, makers: dict[str, Callable[[str, str], Variant]]) -> list[Variant]:
    found = []
    for word in _words(given):
        name, _, value = word.partition(":")
        if name not in makers:
            raise UsageError(f"{flag} {word!r} is unknown; choose from {', '.join(makers)} or {NONE}")
        found.append(makers[name](flag, value))
    return found


def _joint(flag: str, value: str) -> Variant:
    if value:
        raise UsageError(f"{flag} joint takes no value, such as {value!r}: write joint")
    return Variant("joint guidance", SpeedOptions(joint_guidance=True))


def _interval(flag: str, value: str) -> Variant:
    low, high = INTERVAL if not value else _numbers(flag, value.split("-"), 2)
    options = SpeedOptions(guidance_interval=(low, high))
    return Variant(options.name, options)


def _first_block(flag: str, value: str) -> Variant:
    options = SpeedOptions(cache=FirstBlockCache(_numbers(flag, [value], 1)[0] if value else FIRST_BLOCK))
    return Variant(options.name, options)


def _magnitude(flag: str, value: str) -> Variant:
    threshold = _numbers(flag, [value], 1)[0] if value else MAGNITUDE
    return Variant(f"magnitude cache {threshold:g}", magnitude=threshold)


def _words(given: str) -> list[str]:
    return [word.strip() for word in given.split(",") if word.strip() not in ("", NONE)]


def _numbers(flag: str, words: Sequence[str], count: int) -> tuple[float, ...]:
    try:
        found = tuple(float(word) for word in words)
    except ValueError:
        found = ()
    if len(found) != count:
        raise UsageError(
            f"{flag}: {'-'.join(words)!r} is not {count} number(s), such as "
            f"{'interval:0.2-0.9' if count == 2 else 'first-block:0.1'}"
        )
    return found
