"""Makes the film of one held-out story for one row, shot after shot, and measures each shot before the next.

The generator, the memory policy and the bank are the real ones, called as the graph calls them; every take is
accepted, so that the row shows what the memory does and not what a critic mends. What going on needs lies in the
film's own folder and is whole before the shot is reported. Knows no tables.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from filmagent.artifacts import sha256_of_array, stable_key, write_bytes_atomically
from filmagent.errors import ArtifactError
from filmagent.evaluation.papercut.records import ShotRecord
from filmagent.evaluation.papercut.rows import Row
from filmagent.evaluation.papercut.stories import HeldOutStory, subject_id
from filmagent.evaluation.papercut.verdicts import verdict
from filmagent.generation.costs import KnowsCosts, ShotShape
from filmagent.generation.memory.bank import MemoryBank
from filmagent.generation.memory.port import BankView, MemoryPolicy
from filmagent.generation.memory.registry import only_offers
from filmagent.generation.memory.uses import film_starts, memory_uses, recollection_of, with_choice
from filmagent.generation.port import Frames, GenerationRequest, Generator
from filmagent.schemas.story import SEAM_FRAMES, LinkKind
from filmagent.schemas.take import MemoryUse, Take
from filmagent.scoring.clip import ImageFeatures
from filmagent.scoring.port import ScoringContext, SeenBefore
from filmagent.scoring.seam import Seam
from filmagent.scoring.stillness import Stillness
from filmagent.training.papercut.probe.questions import truth_of
from filmagent.training.papercut.probe.reader import Probe
from filmagent.training.papercut.world import FPS, FRAMES, render_frames


@dataclass(frozen=True)
class Laboratory:
    """What films are made and measured with."""

    generator: Generator
    """Who films all rows that bring no generator of their own."""
    features: ImageFeatures
    """The CLIP model of memory and critic."""
    probe: Probe
    pictures: bool = False
    """Only the first picture of every shot is made, and every shot is a cut."""

    def generator_of(self, row: Row) -> Generator:
        """Who films a row."""
        return row.generator or self.generator


@dataclass(frozen=True)
class Made:
    """A shot's frames and what they cost."""

    frames: Frames
    seconds: float | None = None
    tokens: int | None = None
    memory: tuple[MemoryUse, ...] = ()
    """What it was shown, or offered to choose from."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Start:
    """What is there when a shot is begun."""

    index: int
    link: LinkKind
    policy: MemoryPolicy
    view: BankView
    """What is remembered."""
    before: Frames | None
    """The take before; None: there is none."""


def film_story(
    laboratory: Laboratory, row: Row, story: HeldOutStory, seed: int, folder: Path, done: Sequence[ShotRecord] = ()
) -> Iterator[ShotRecord]:
    """Film a story and give a record of every shot that is not done yet.

    Args:
        laboratory: generator, CLIP model and probe.
        row: how the film is made.
        story: what it shows.
        seed: of the film; equal seeds give all rows equal noise.
        folder: of this film alone, with what earlier shots left in it.
        done: records of its first shots.

    Raises:
        ArtifactError: the folder lacks what the records of earlier shots speak of; or the disk refuses files.
        GenerationError, ModelFilesError, ScoringError: a shot cannot be made or measured.
    """
    film = _Film(laboratory, row, story, seed, folder)
    records = [record.memory for record in done if record.memory is not None]
    for index in range(len(done), len(story.shots)):
        record = film.shot(index, records)
        if record.memory is not None:
            records.append(record.memory)
        yield record


def shot_seed(seed: int, story: int, index: int) -> int:
    """The seed of one shot's noise, equal in all rows: rows are compared with each other, story by story."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{story}/{index}".encode()).digest()[:6], "big")


def middle_picture(folder: Path, index: int) -> Path:
    """Where the middle frame of a shot lies."""
    return folder / f"middle-{index:02d}.png"


def remove_film(folder: Path) -> None:
    """Remove what a film left for going on."""
    shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Film:
    laboratory: Laboratory
    row: Row
    story: HeldOutStory
    seed: int
    folder: Path

    def shot(self, index: int, records: Sequence[str]) -> ShotRecord:
        """Make, measure and remember one shot; its take is kept for the next one."""
        script = self.story.shots[index].script
        link = self._link(index)
        policy = self.row.policy(lambda: self.laboratory.features)
        bank = MemoryBank(self.folder)
        view = bank.view(records)
        before = self._take(index - 1) if index else None
        made = self._make(_Start(index, link, policy, view, before))
        due = self.story.due[index]
        truth = truth_of(script, 0.0 if self.laboratory.pictures else (FRAMES - 1) / 2 / FPS)
        seam = None if link == "scene_cut" or before is None else before[-1:]
        context = ScoringContext(
            story=self.story.story,
            plan=self.story.plan(index),
            prompt=self._prompt(index),
            memory=self._witnesses(index),
            seam=seam,
        )
        shot = self.story.story.shots[index]
        seams = Seam().score(made.frames, shot, context).values
        judged, symptoms = verdict(self.laboratory.features, made.frames, shot, context)
        memory, remembered, shown = None, 0, frozenset[int]()
        if self.row.source == "generated":
            take = self._as_take(index, link, made)
            remembered = take.memory_at_a_time
            numbers = {shot.id: number for number, shot in enumerate(self.story.story.shots)}
            shown = frozenset(numbers[use.shot] for use in take.memory_shown if use.shot is not None)
            memory = bank.remember(policy, view, self.story.story, shot, take, made.frames)
        self._keep(index, made.frames)
        return ShotRecord(
            row=self.row.name,
            seed=self.seed,
            story=self.story.number,
            shot=index,
            form=self.story.form,
            link=link,
            truth=truth,
            reading=self.laboratory.probe.read(made.frames, truth.kinds),
            since={each.kind: each.since for each in due},
            place_since=self.story.place_since[index],
            seconds=made.seconds,
            tokens=made.tokens,
            remembered=remembered,
            shown=tuple(sorted(shown)),
            seam=seams.get("seam/difference"),
            moving=None
            if len(made.frames) == 1
            else Stillness().score(made.frames, shot, context).values["stillness/moving_area"],
            judged=judged,
            symptoms=symptoms,
            memory=memory,
            notes=made.notes,
        )

    def _make(self, start: _Start) -> Made:
        if self.row.source == "truth":
            # A join goes on from a frame that it shares with the shot before, and is as long as a generated one.
            first = 0 if start.link == "scene_cut" else 1
            count = 1 if self.laboratory.pictures else FRAMES - SEAM_FRAMES[start.link]
            return Made(render_frames(self.story.shots[start.index].script, range(first, first + count)).frames)
        if self.row.source != "generated" and start.before is not None:
            return Made(start.before)
        made = self._generate(start)
        if self.row.source == "frozen":
            return Made(np.repeat(made.frames[:1], len(made.frames), axis=0))
        return made if self.row.source == "generated" else Made(made.frames)

    def _generate(self, start: _Start) -> Made:
        generator, plan = self.laboratory.generator_of(self.row), self.story.plan(start.index)
        capabilities = generator.capabilities
        chooses = capabilities.memory_candidates > 0
        limit = capabilities.memory_candidates if only_offers(start.policy.name) else capabilities.max_memory
        if not capabilities.remembers_at(start.link):
            limit = 0
        recalls = start.policy.recall(start.view, self.story.story, plan, limit)
        frames = 1 if self.laboratory.pictures else capabilities.frames
        lengths = self._lengths(start.index, frames)
        uses = memory_uses(recalls, film_starts(lengths) if chooses else {})
        overlap = SEAM_FRAMES[start.link]
        request = GenerationRequest(
            prompt=self._prompt(start.index),
            link=start.link,
            seed=shot_seed(self.seed, self.story.number, start.index),
            size=capabilities.native_size,
            frames=frames,
            memory=tuple(start.view.image(each.keyframe) for each in recalls),
            recollection=recollection_of(
                uses,
                capabilities,
                start=sum(lengths.values()) - overlap,
                limit=capabilities.max_memory,
                identity=None,
            ),
            seam=start.before[-overlap:] if overlap and start.before is not None else None,
        )
        started = time.perf_counter()
        made = generator.generate(request)
        seconds = round(time.perf_counter() - started, 3)
        tokens = None
        if isinstance(generator, KnowsCosts):
            shown = min(len(uses), capabilities.max_memory)
            tokens = generator.cost(ShotShape(request.size, request.frames, shown)).tokens
        return Made(made.frames, seconds, tokens, with_choice(uses, made.chosen), made.notes)

    def _lengths(self, index: int, frames: int) -> dict[str, int]:
        """Frames of the takes of all shots before one, by shot, in order; `frames` are generated for each."""
        return {shot.id: frames - SEAM_FRAMES[self._link(at)] for at, shot in enumerate(self.story.story.shots[:index])}

    def _link(self, index: int) -> LinkKind:
        only_cuts = self.row.cuts_only or self.laboratory.pictures
        return "scene_cut" if only_cuts else self.story.plan(index).link.kind

    def _prompt(self, index: int) -> str:
        return self.story.prompt(index, introduced=self.row.introduced)

    def _as_take(self, index: int, link: LinkKind, made: Made) -> Take:
        """The take as the bank wants it named; its frames lie in this folder and not in a video."""
        capabilities = self.laboratory.generator_of(self.row).capabilities
        pixels = sha256_of_array(made.frames)
        _, height, width, _ = made.frames.shape
        return Take(
            key=stable_key({"shot": index, "frames": pixels}),
            shot=self.story.story.shots[index].id,
            attempt=1,
            path=self._take_path(index).name,
            sha256=pixels,
            frames=len(made.frames),
            fps=capabilities.fps,
            width=width,
            height=height,
            link=link,
            prompt=self._prompt(index),
            seed=shot_seed(self.seed, self.story.number, index),
            generator=capabilities.name,
            memory=made.memory,
        )

    def _keep(self, index: int, frames: Frames) -> None:
        """Keep the take for the next shot, its middle for the sheet, and what its new figures looked like."""
        buffer = io.BytesIO()
        np.save(buffer, frames)
        write_bytes_atomically(self._take_path(index), buffer.getvalue())
        picture = io.BytesIO()
        Pillow.fromarray(frames[len(frames) // 2]).save(picture, format="PNG")
        write_bytes_atomically(middle_picture(self.folder, index), picture.getvalue())
        # The take two shots ago can be needed no more, even if this shot is never reported and made again.
        self._take_path(index - 2).unlink(missing_ok=True)

    def _take(self, index: int) -> Frames:
        path = self._take_path(index)
        try:
            frames: Frames = np.load(path)
        except (OSError, ValueError) as error:
            raise ArtifactError(
                f"the take {str(path)!r} is missing or broken; delete {str(self.folder)!r} and its "
                "shots in the log, or choose another --out"
            ) from error
        return frames

    def _take_path(self, index: int) -> Path:
        return self.folder / f"take-{index:02d}.npy"

    def _witnesses(self, index: int) -> tuple[SeenBefore, ...]:
        """For everybody in this shot who is not new the middle frame of the first shot with them.

        The critic's memory: the same in all rows, so that its verdicts are compared on takes that keep an identity
        and on takes that lose it.
        """
        known = {each.subject for each in self.story.due[index] if each.since is not None}
        found = []
        for subject in sorted(known):
            first = next(at for at, due in enumerate(self.story.due) if subject in {each.subject for each in due})
            path = middle_picture(self.folder, first)
            try:
                with Pillow.open(path) as picture:
                    found.append(SeenBefore(np.array(picture.convert("RGB")), {subject_id(subject): 1.0}))
            except OSError as error:
                raise ArtifactError(
                    f"the picture {str(path)!r} is missing or broken; delete {str(self.folder)!r} and "
                    "its shots in the log, or choose another --out"
                ) from error
        return tuple(found)
