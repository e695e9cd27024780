"""The benchmark from words to words: checks what a person gave, measures, and says it as a table or as JSON.

Knows numbers and units; how they are measured is `measure`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from filmagent.errors import UsageError
from filmagent.evaluation.generator_benchmark.measure import Row, measure
from filmagent.evaluation.generator_benchmark.subjects import Subject, make_subject
from filmagent.evaluation.generator_benchmark.variants import PLAIN_VARIANT, Variant
from filmagent.generation.wan.budget.rate import device_name, matmul_rate

MOST_MEMORY = 100
"""Frames 5 positions apart that fit Wan's rotary tables, and then some."""
HEAD = ("memory", "variant", "tokens", "forwards", "blocks", "s/step", "s/shot", "peak", "TFLOP/s", "of matmul", "PSNR")
GB = 1e9


@dataclass(frozen=True)
class Report:
    """Everything that was measured."""

    config: str
    weights: str
    """`random` or `trained`."""
    device: str
    precision: str
    size: str
    frames: int
    steps: int
    guidance: float
    matmul_tflops: float
    """This machine's own rate, 10^12 operations a second."""
    rows: tuple[Row, ...]


def run_benchmark(
    config: str,
    memories: Sequence[int],
    variants: Sequence[Variant],
    *,
    steps: int | None,
    repeat: int,
    say: Callable[[str], None],
) -> Report:
    """Measure a configuration on this machine.

    Args:
        config: `tiny`, `a14b`, or a generator's name.
        memories: numbers of memory frames.
        variants: those beside the plain loop.
        steps: denoising steps; None: as many as films are made with.
        repeat: shots for each row.
        say: told what is at work.

    Raises:
        UsageError: what was given cannot be measured on this machine; said before anything is made.
        ModelFilesError: a generator's files are missing or broken.
    """
    if not memories or min(memories) < 0 or max(memories) > MOST_MEMORY:
        raise UsageError(f"--memory {', '.join(map(str, memories))}: give numbers of frames from 0 to {MOST_MEMORY}")
    if repeat < 1 or (steps is not None and steps < 2):
        raise UsageError(f"--repeat {repeat}, --steps {steps}: at least one shot, and two steps, one for each expert")
    say(f"making {config}")
    subject = make_subject(config, memories, variants, steps)
    rate = matmul_rate(subject.precision).flops_per_second
    rows = measure(subject, memories, variants, repeat=repeat, rate=rate, say=say)
    return _report(subject, rate, rows)


def as_json(report: Report) -> dict[str, Any]:
    """Return a report as plain JSON."""
    return asdict(report)


def as_table(report: Report) -> str:
    """Return a report as lines of text."""
    cells = [HEAD, *(_cells(row) for row in report.rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    table = [
        "  ".join(
            cell.ljust(width) if column == 1 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    return "\n".join((*_about(report), "", *table, "", *_notes(report))) + "\n"


def _report(subject: Subject, rate: float, rows: Sequence[Row]) -> Report:
    sampling, precision = subject.sampling, subject.precision
    return Report(
        config=subject.name,
        weights=subject.weights,
        device=device_name(precision.device),
        precision=precision.name,
        size=str(subject.size),
        frames=subject.frames,
        steps=sampling.steps,
        guidance=sampling.guidance,
        matmul_tflops=rate / 1e12,
        rows=tuple(rows),
    )


def _about(report: Report) -> list[str]:
    return [
        f"{report.config}, {report.weights} weights, on {report.device} in {report.precision}",
        f"{report.size}, {report.frames} frames, {report.steps} steps, guidance {report.guidance:g}; "
        f"matrix products of this machine: {report.matmul_tflops:.3g} TFLOP/s",
    ]


def _notes(report: Report) -> list[str]:
    lines = [
        "s/shot: encoding of memory, denoising and decoding, without text. blocks: computed, as a share of the plain "
        "loop's. PSNR: final latents against the plain loop's at the same seed, dB."
    ]
    if report.weights == "random":
        lines.append(
            "Random weights: times are those of trained ones; what caches skip and how far a variant errs are not."
        )
    for row in report.rows:
        if (found := row.magnitudes) is not None:
            experts = "; ".join(
                ", ".join(f"{ratio:.4f}" for ratio in ratios)
                for ratios in (found.high_noise, found.low_noise)
                if ratios
            )
            lines.append(f"magnitudes with {row.memory} memory frames: {experts}")
    return lines


def _cells(row: Row) -> tuple[str, ...]:
    start = (str(row.memory), row.variant, f"{row.tokens:,}")
    if row.failed:
        return (*start, row.failed, *[""] * (len(HEAD) - len(start) - 1))
    peak = "?" if row.peak_bytes is None else f"{row.peak_bytes / GB:.2f} GB"
    psnr = "" if row.variant == PLAIN_VARIANT.name else "equal" if row.psnr is None else f"{row.psnr:.1f}"
    return (
        *start,
        str(row.forwards),
        f"{row.computed:.0%}",
        f"{row.step_seconds:.4g}",
        f"{row.shot_seconds:.4g}",
        peak,
        f"{row.tflops:.3g}",
        f"{row.share:.0%}",
        psnr,
    )
