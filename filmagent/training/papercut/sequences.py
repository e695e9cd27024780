"""Renders stories of the world as a folder of sequences: what a memory on papercut is trained on. Knows no model.

    filmagent train papercut sequences --data DIR --stories 200
    filmagent train memory --base papercut --policy memento --data DIR/sequences

The folder is such as `filmagent curate` makes of films, but that nothing is guessed: the renderer knows who is where.
A figure's first shot names all its attributes; later ones mostly leave them to memory. Story number n is a function of
the seed and n alone, and none is among those that the benchmark holds out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np

from filmagent.artifacts import sha256_of_file, write_json_atomically
from filmagent.delivery.video import write_video
from filmagent.errors import UsageError
from filmagent.generation.papercut.vocabulary import PEOPLE, compose, phrases
from filmagent.training.papercut.captions import appearance, describe, describe_naming
from filmagent.training.papercut.world import (
    FPS,
    FRAMES,
    HEIGHT,
    WIDTH,
    Figure,
    RenderedShot,
    ShotScript,
    ToldStory,
    render_frames,
    tell_story,
)
from filmagent.training.sequences.folder import CLIPS, SEQUENCES
from filmagent.training.sequences.record import (
    GRID,
    Box,
    Clip,
    SequenceRecord,
    SequenceSubject,
    Sighting,
    Target,
    two_part_caption,
)

NAMED_AGAIN = 0.3
"""How many later shots of a figure name its attributes once more, as films do."""
LOOKED_AT = (0, FRAMES // 2, FRAMES - 1)
"""Frames of a clip whose sightings are written down."""
LEAST_SEEN = 0.002
"""Share of the picture from which on somebody counts as seen."""
TARGETS = 3
"""Reconstruction targets of a subject, each of another clip."""
CAPTIONED_BY = "papercut's renderer"


@dataclass(frozen=True)
class _Cast:
    """The figures of a story and the labels that captions call them by."""

    figures: tuple[Figure, ...]
    labels: tuple[str, ...]

    @property
    def inventory(self) -> tuple[SequenceSubject, ...]:
        pairs = zip(self.labels, self.figures, strict=True)
        return tuple(SequenceSubject(label=label, looks=appearance(figure)) for label, figure in pairs)


def write_sequences(
    folder: Path, stories: int, seed: int = 0, on_story: Callable[[int, int], None] = lambda done, of: None
) -> None:
    """Write the sequences that `folder` lacks; a kill costs the one in work.

    Args:
        folder: becomes a folder as `filmagent.training.sequences.folder` describes it.
        stories: how many there are in the end.
        seed: of all stories.
        on_story: called after every story with (stories done, stories in all).

    Raises:
        UsageError: fewer than one story is asked for.
        ArtifactError: the disk refuses the files.
    """
    if stories < 1:
        raise UsageError(f"--stories {stories}: give 1 or more")
    for number in range(stories):
        name = f"world-{seed}-{number:05d}"
        path = folder / SEQUENCES / f"{name}.json"
        if not path.exists():
            write_json_atomically(path, _write_story(folder, name, seed, number).model_dump(mode="json"))
        on_story(number + 1, stories)


def _write_story(folder: Path, name: str, seed: int, number: int) -> SequenceRecord:
    rng = random.Random(f"sequences of the world/{seed}/{number}")
    told = tell_story(rng)
    cast = _Cast(told.story.figures, _labels(told.story.figures))
    clips = []
    known: set[int] = set()
    for index, shot in enumerate(told.shots):
        cut = shot.link == "scene_cut"
        # A shot that goes on begins behind the frame that it shares with the one before.
        first = 0 if cut else 1
        rendered = render_frames(shot.script, range(first, first + FRAMES))
        path = folder / CLIPS / name / f"{index + 1:04d}.mp4"
        write_video(rendered.frames, path, FPS)
        here = {part.subject for part in shot.script.performances}
        named = {who for who in here if who not in known or rng.random() < NAMED_AGAIN}
        known |= here
        clips.append(_clip(cast, rendered, named, path, index, cut))
    return SequenceRecord(
        sequence_id=name,
        film=f"{name}.mp4",
        story_caption=_overview(told, cast),
        subjects=cast.inventory,
        sequence_clips=tuple(clips),
        reconstruct_targets=tuple(target for subject in cast.inventory for target in _targets(subject, clips)),
        captioned_by=CAPTIONED_BY,
    )


def _labels(figures: Sequence[Figure]) -> tuple[str, ...]:
    """`[Animal A]`, `[Person B]`: one alphabet for all kinds, as in Memento's stories."""
    sorts = ["Person" if each.kind in PEOPLE else "Object" if each.kind == "robot" else "Animal" for each in figures]
    return tuple(f"[{sort} {letter}]" for sort, letter in zip(sorts, ascii_uppercase, strict=False))


def _overview(told: ToldStory, cast: _Cast) -> str:
    who = " and ".join(cast.labels)
    places = ", ".join(dict.fromkeys(shot.script.setting.place for shot in told.shots))
    return f"A story of {who} in {len(told.shots)} shots ({told.form}): {places}."


def _clip(cast: _Cast, rendered: RenderedShot, named: set[int], path: Path, index: int, cut: bool) -> Clip:
    sightings = _sightings(cast, rendered)
    seen = tuple(sighting.subject for sighting in sightings)
    return Clip(
        video_path=path.relative_to(path.parents[2]).as_posix(),
        caption=two_part_caption(cast.inventory, seen, _shot_caption(rendered.script, cast)),
        sequence_order=index,
        cut=cut,
        start=index * FRAMES / FPS,
        fps=FPS,
        frames=len(rendered.frames),
        width=WIDTH,
        height=HEIGHT,
        bytes=path.stat().st_size,
        sha256=sha256_of_file(path),
        keyframes_16fps=tuple(frame * GRID // FPS for frame in LOOKED_AT),
        sightings=sightings,
        papercut=compose(replace(describe_naming(rendered.script, named), placed=True)),
    )


def _sightings(cast: _Cast, rendered: RenderedShot) -> tuple[Sighting, ...]:
    return tuple(
        Sighting(subject=cast.labels[who], frame_in_clip_16fps=frame * GRID // FPS, box=_box(masks[frame]))
        for frame in LOOKED_AT
        for who, masks in sorted(rendered.masks.items())
        if masks[frame].mean() >= LEAST_SEEN
    )


def _box(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> Box:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    height, width = mask.shape
    return Box(
        left=float(columns[0] / width),
        top=float(rows[0] / height),
        right=float((columns[-1] + 1) / width),
        bottom=float((rows[-1] + 1) / height),
    )


def _shot_caption(script: ShotScript, cast: _Cast) -> str:
    """The sentence with labels in place of kinds, such as `wide shot of the forest at day where [Animal A] sits`."""
    parts = []
    for phrase in phrases(describe(script)):
        if phrase.role is None:
            parts.append(phrase.words)
        else:
            who = script.performances[phrase.role].subject
            parts.append(phrase.words.replace(f"the {script.figures[who].kind}", cast.labels[who], 1))
    return " ".join(parts)


def _targets(subject: SequenceSubject, clips: Sequence[Clip]) -> list[Target]:
    """The frames that show a subject largest, each of another clip, in the order of the story."""
    largest = {
        clip.sequence_order: max(here, key=lambda sighting: sighting.box.area)
        for clip in clips
        if (here := [sighting for sighting in clip.sightings if sighting.subject == subject.label])
    }
    best = sorted(largest, key=lambda order: largest[order].box.area, reverse=True)[:TARGETS]
    return [
        Target(
            subject=subject.label,
            clip_index=order,
            frame_in_clip_16fps=largest[order].frame_in_clip_16fps,
            box=largest[order].box,
            caption=f"{subject.label} {subject.looks}",
        )
        for order in sorted(best)
    ]
