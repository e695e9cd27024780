"""Runs the whole benchmark in a folder, and goes on where an earlier run stopped.

`shots.jsonl` is what was measured; table and plots are made of it anew each time, so more stories, seeds or policies
only add to it. Knows no command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from PIL import Image

from filmagent.artifacts import atomic_path, read_json, write_bytes_atomically, write_json_atomically
from filmagent.errors import RunBusyError, UsageError
from filmagent.evaluation.papercut.crew import Crew, FilmJob, film_together
from filmagent.evaluation.papercut.film import Laboratory, film_story, middle_picture, remove_film
from filmagent.evaluation.papercut.plots import bars, identity_by_distance, story_sheet
from filmagent.evaluation.papercut.records import Film, RecordLog, ShotRecord, by_film, film_of
from filmagent.evaluation.papercut.rows import POLICY_ROWS, Row, chosen_rows
from filmagent.evaluation.papercut.stories import HeldOutStory, held_out_story
from filmagent.evaluation.papercut.table import Table, as_markdown, make_table
from filmagent.generation.costs import KnowsCosts
from filmagent.generation.papercut.opening import FILMING_ON
from filmagent.generation.port import Generator
from filmagent.training.papercut.world import EVERY_FORM, FRAMES, HEIGHT, WIDTH
from filmagent.training.papercut.world.forms import LEAST_SHOTS, MOST_SHOTS

FORMAT = 2
"""Raised when records of an earlier release must be measured again."""
SETTINGS, LOG, WORK, SHEETS = "settings.json", "shots.jsonl", "work", "sheets"
SHEET_STORIES = 6
"""As many stories, the first ones, are drawn as sheets, of the first seed."""


@dataclass(frozen=True)
class Benchmark:
    """What is measured."""

    policies: tuple[str, ...] = tuple(POLICY_ROWS)
    trained: tuple[Row, ...] = ()
    """Rows of memories that somebody trained, from `open_trained_row`."""
    stories: int = 200
    seeds: int = 3
    shots: int | None = None
    """Length of every story; None: each its own, from 4 to 16."""
    first: int = 0
    """Number of the first story."""
    form: str | None = None
    """Of all stories, one of `EVERY_FORM`; None: those of training take turns."""

    @property
    def numbers(self) -> range:
        """The stories' numbers."""
        return range(self.first, self.first + self.stories)

    def check(self) -> tuple[Row, ...]:
        """The rows. Raises UsageError for what cannot be measured."""
        rows = chosen_rows(self.policies, self.trained)
        for name, value in (("--stories", self.stories), ("--seeds", self.seeds)):
            if value < 1:
                raise UsageError(f"{name} {value}: give at least 1")
        if self.first < 0:
            raise UsageError(f"--first-story {self.first}: give 0 or more")
        if self.shots is not None and not LEAST_SHOTS <= self.shots <= MOST_SHOTS:
            raise UsageError(f"--shots {self.shots}: a story has {LEAST_SHOTS} to {MOST_SHOTS} shots")
        if self.form is not None and self.form not in EVERY_FORM:
            raise UsageError(f"--form {self.form!r}: there is no such form; choose from {', '.join(EVERY_FORM)}")
        return rows

    def story(self, number: int) -> HeldOutStory:
        """A held-out story by its number."""
        return held_out_story(number, self.shots, self.form)


@dataclass(frozen=True)
class Step:
    """Where a run stands."""

    done: int
    """Shots."""
    of: int
    row: str
    seed: int
    story: int
    shot: int


@dataclass(frozen=True)
class _Plan:
    row: Row
    seed: int
    story: HeldOutStory
    folder: Path = field(compare=False)
    on_sheet: bool
    """Whether its pictures are shown on the story's sheet."""

    @property
    def film(self) -> Film:
        return self.row.name, self.seed, self.story.number


def run_benchmark(
    benchmark: Benchmark,
    laboratory: Laboratory,
    out: Path,
    on_step: Callable[[Step], None] = lambda step: None,
    crew: Crew | None = None,
) -> Table:
    """Measure what is not measured yet, and write `table.md`, `table.json`, plots and sheets.

    Args:
        benchmark: what is measured.
        laboratory: with what.
        out: the folder; made when missing.
        on_step: called with every shot that begins, and once at the end.
        crew: processes that film, with laboratories like this one; None: this process films.

    Raises:
        UsageError: nothing can be measured so, or the folder was measured with something else.
        RunBusyError: another process works in this folder.
        ArtifactError, ModelFilesError, GenerationError, ScoringError: see `film_story`.
    """
    rows = benchmark.check()
    for row in rows:
        _check_size(laboratory.generator_of(row))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {str(out)!r}: {error.strerror}; choose another folder") from error
    try:
        with FileLock(out / ".lock", timeout=0):
            return _run(benchmark, rows, laboratory, out, on_step, crew)
    except Timeout as error:
        raise RunBusyError(f"another process measures in {str(out)!r}; wait, or choose another --out") from error


def _run(
    benchmark: Benchmark,
    rows: Sequence[Row],
    laboratory: Laboratory,
    out: Path,
    on_step: Callable[[Step], None],
    crew: Crew | None,
) -> Table:
    about = _settle_settings(benchmark, rows, laboratory, out)
    log = RecordLog(out / LOG)
    records = log.read()
    plans = {plan.film: plan for plan in _plans(benchmark, rows, out)}
    total = sum(len(plan.story.shots) for plan in plans.values())
    found = by_film(records)
    count = sum(len(found.get(film, ())) for film in plans)
    jobs = [_job(plan, found.get(film, ())) for film, plan in plans.items()]

    def begin(job: FilmJob, shot: int) -> None:
        on_step(Step(count, total, job.row, job.seed, job.story.number, shot))

    filmed = _film_alone(laboratory, rows, jobs, begin) if crew is None else film_together(crew, jobs, begin)
    for record in filmed:
        log.append(record)
        records.append(record)
        count += 1
        plan = plans[film_of(record)]
        if record.shot + 1 == len(plan.story.shots):
            _finish_film(plan, out)
    for plan in plans.values():
        if plan.folder.exists():  # it was killed between its last record and its end
            _finish_film(plan, out)
    on_step(Step(total, total, rows[-1].name, benchmark.seeds - 1, benchmark.numbers[-1], 0))
    kept = [record for record in records if film_of(record) in plans]
    table = make_table(kept, rows, benchmark.numbers, laboratory.probe.accuracy, about)
    _write(table, list(plans.values()), out)
    return table


def _job(plan: _Plan, done: Sequence[ShotRecord]) -> FilmJob:
    return FilmJob(
        row=plan.row.name,
        seed=plan.seed,
        story=plan.story,
        folder=plan.folder,
        done=tuple(done),
    )


def _film_alone(
    laboratory: Laboratory, rows: Sequence[Row], jobs: Sequence[FilmJob], on_begin: Callable[[FilmJob, int], None]
) -> Iterator[ShotRecord]:
    """Film all that is lacking in this process; every shot is announced before it is made."""
    named = {row.name: row for row in rows}
    for job in jobs:
        films = film_story(laboratory, named[job.row], job.story, job.seed, job.folder, job.done)
        for shot in job.lacks:
            on_begin(job, shot)
            yield next(films)


def _plans(benchmark: Benchmark, rows: Sequence[Row], out: Path) -> list[_Plan]:
    """All films, story by story, so that a table of half the work still compares rows over the same stories."""
    plans = []
    for number in benchmark.numbers:
        on_sheets = number - benchmark.first < SHEET_STORIES
        story = benchmark.story(number)
        for seed in range(benchmark.seeds):
            for row in rows:
                if seed == 0 or not row.one_seed:
                    folder = out / WORK / f"{row.name}-{seed}-{number}"
                    plans.append(_Plan(row, seed, story, folder, on_sheets and seed == 0))
    return plans


def _settle_settings(benchmark: Benchmark, rows: Sequence[Row], laboratory: Laboratory, out: Path) -> dict[str, Any]:
    """Write down what is measured with, or check that the folder was measured with the same; return it for print."""
    generator = laboratory.generator
    common: dict[str, Any] = {
        "format": FORMAT,
        "generator": _of_generator(generator, laboratory),
        "clip": laboratory.features.revision,
        "probe": laboratory.probe.revision,
        "shots": benchmark.shots,
        "form": benchmark.form,
        "pictures": laboratory.pictures,
    }
    policies = {row.name: _fingerprint(row, laboratory) for row in rows}
    path = out / SETTINGS
    if path.exists():
        before = read_json(path)
        now = {**common, "rows": {**before.get("rows", {}), **policies}}
        for name, value in common.items():
            _check_same(out, name, before.get(name), value)
        for name, value in policies.items():
            _check_same(out, f"row {name}", before.get("rows", {}).get(name, value), value)
    else:
        now = {**common, "rows": policies}
    write_json_atomically(path, now)
    return {
        **common["generator"],
        "machine": generator.machine() if isinstance(generator, KnowsCosts) else "not told",
        "CLIP": common["clip"],
        "probe": common["probe"],
        "stories": f"{benchmark.stories}, from number {benchmark.first}",
        "seeds": benchmark.seeds,
        "form": benchmark.form or "in turn",
        "shots a story": benchmark.shots or f"{LEAST_SHOTS} to {MOST_SHOTS}",
        "made of a shot": "its first picture, after a cut" if laboratory.pictures else f"{FRAMES} frames",
    }


def _check_same(out: Path, name: str, before: object, now: object) -> None:
    if before != now:
        raise UsageError(
            f"--out {str(out)!r} was measured with another {name} ({_short(before)}, now {_short(now)}); "
            "choose another folder"
        )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _fingerprint(row: Row, laboratory: Laboratory) -> dict[str, Any]:
    """What decides a row besides what all rows share."""
    own = {} if row.generator is None else {"generator": _of_generator(row.generator, laboratory)}
    return {**row.policy(lambda: laboratory.features).fingerprint, **own}


def _of_generator(generator: Generator, laboratory: Laboratory) -> dict[str, Any]:
    """What decides the frames that are measured: first pictures stay what they are when filming on is learned anew."""
    unused = FILMING_ON if laboratory.pictures else frozenset()
    return {name: value for name, value in generator.fingerprint.items() if name not in unused}


def _check_size(generator: Generator) -> None:
    size = generator.capabilities.native_size
    if (size.width, size.height) != (WIDTH, HEIGHT):
        raise UsageError(
            f"generator {generator.capabilities.name!r} films at {size}; the papercut benchmark measures films of "
            f"{WIDTH}x{HEIGHT}"
        )


def _finish_film(plan: _Plan, out: Path) -> None:
    """Keep the middle frames of a story that gets a sheet; remove everything else."""
    if plan.on_sheet:
        for index in range(len(plan.story.shots)):
            source = middle_picture(plan.folder, index)
            if source.exists():
                write_bytes_atomically(_sheet_picture(out, plan, index), source.read_bytes())
    remove_film(plan.folder)


def _sheet_picture(out: Path, plan: _Plan, index: int) -> Path:
    return out / SHEETS / "frames" / f"{plan.row.name}-{plan.story.number}-{index:02d}.png"


def _write(table: Table, plans: Sequence[_Plan], out: Path) -> None:
    write_json_atomically(out / "table.json", table.as_json())
    write_bytes_atomically(out / "table.md", as_markdown(table).encode())
    _save(identity_by_distance(table), out / "identity-by-distance.png")
    _save(bars(table), out / "bars.png")
    for number in sorted({plan.story.number for plan in plans if plan.on_sheet}):
        lines = []
        for plan in plans:
            if plan.on_sheet and plan.story.number == number:
                paths = [_sheet_picture(out, plan, index) for index in range(len(plan.story.shots))]
                pictures = [Image.open(path) for path in paths if path.exists()]
                if pictures:
                    lines.append((plan.row.name, pictures))
        if lines:
            _save(story_sheet(lines), out / SHEETS / f"story-{number:03d}.png")


def _save(image: Image.Image, path: Path) -> None:
    with atomic_path(path) as beside:
        image.save(beside)
