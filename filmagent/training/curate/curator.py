"""A folder of films becomes a folder of captioned sequences, film by film.

Every step leaves a file before the next one begins: what one pass saw of a film, clips, answers, sequences, the film's
record. The same call goes on wherever the last one was stopped, by whatever. A film or clip that cannot be used is left
out with its reason; a server that does not answer, or a full disk, stops the work. Knows no command line.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filmagent.agents.llm import LLM
from filmagent.errors import ArtifactError, UsageError
from filmagent.training.curate.answers import KeptAnswers
from filmagent.training.curate.asking import GivenUpError, check_sees
from filmagent.training.curate.captions import (
    Inventory,
    ShotCaption,
    caption_shots,
    caption_story,
    caption_targets,
    recurring_labels,
)
from filmagent.training.curate.clips import ClipFile, cut_clip
from filmagent.training.curate.cutting import Drop, DropKind, Part, divide, drop_part, group, join
from filmagent.training.curate.films import Film, find_films
from filmagent.training.curate.folder import (
    ANSWERS,
    FILMS,
    SETTINGS,
    SHOTS,
    FilmRecord,
    FilmShots,
    delete_unused,
    read_model,
    sequence_records,
    working_in,
    write_model,
)
from filmagent.training.curate.report import write_report
from filmagent.training.curate.settings import CurateSettings
from filmagent.training.curate.shots import Seen, check_detector, look_through
from filmagent.training.curate.text import clips_with_text
from filmagent.training.sequences.folder import SEQUENCES
from filmagent.training.sequences.footage import Footage, ffmpeg_program, probe_footage
from filmagent.training.sequences.record import Clip, SequenceRecord, two_part_caption

LEAST_FREE = 256 << 20
"""Bytes; with less free space, a clip that cannot be cut is the disk's fault and not the film's."""
WHOLE = 0.9
"""Share of the announced length that a film must decode to without a note."""

Event = Mapping[str, Any]
"""What happens: `film` (name, index, of), `stage` (text, total), `step` (count), `note` (text)."""


@dataclass(frozen=True)
class Curated:
    """What came out."""

    report: Path
    films: int
    skipped: Mapping[str, str]
    """Film -> why nothing was made of it."""
    sequences: int
    clips: int
    seconds: float
    """Of all clips."""
    questions: int
    """Sent to the LLM in this call."""
    answers_kept: int
    """Questions that were answered by earlier calls."""


def curate(
    films: Path, out: Path, settings: CurateSettings, llm: LLM, *, workers: int = 4,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Curated:
    """Make sequences of all films of a folder, or go on with it.

    Args:
        films: folder of films.
        out: folder of the curation.
        settings: what is asked; must be the same when going on.
        llm: a vision LLM. Safe to call from several threads.
        workers: questions at a time.
        on_event: called with progress, from the calling thread.

    Raises:
        UsageError: films, folder or installation cannot be used. Nothing was written.
        RunBusyError: another process works on the folder.
        LLMError: the LLM cannot be asked. What is done stays done.
        ArtifactError: the disk refuses a file.
    """
    check_detector()
    ffmpeg_program()
    if out.resolve().is_relative_to(films.resolve()):
        raise UsageError(f"DIR {str(out)!r} lies in FILMS {str(films)!r}, where its clips would be taken for films; "
                         "choose another folder")
    found = find_films(films)
    with working_in(out, settings):
        answers = KeptAnswers(llm, settings.model, out / ANSWERS)
        check_sees(answers)
        write_model(out / SETTINGS, settings)
        work = _Work(out, settings, answers, workers, on_event)
        try:
            records = work.all_films(found)
        finally:
            on_event({"event": "stage", "text": "report", "total": 0})
            report = write_report(out)
    names = {name for film in records for name in film.sequences}
    ours = [record for record in sequence_records(out) if record.sequence_id in names]
    clips = [clip for record in ours for clip in record.sequence_clips]
    return Curated(
        report=report, films=len(records), skipped={film.name: film.skipped for film in records if film.skipped},
        sequences=len(ours), clips=len(clips), seconds=sum(clip.seconds for clip in clips),
        questions=answers.asked, answers_kept=answers.kept,
    )


@dataclass(frozen=True)
class _Work:
    """What all steps share."""

    out: Path
    settings: CurateSettings
    answers: KeptAnswers
    workers: int
    tell: Callable[[Event], None]

    def all_films(self, films: Sequence[Film]) -> list[FilmRecord]:
        """Return what became of every film, duplicates left out."""
        records: dict[str, FilmRecord] = {}
        for index, film in enumerate(films):
            self.tell({"event": "film", "name": film.name, "index": index, "of": len(films)})
            content = film.id[-8:]
            if (twin := records.get(content)) is not None:
                self._note(f"{film.name}: the same film as {twin.name}")
                continue
            path = self.out / FILMS / f"{film.id}.json"
            record = read_model(path, FilmRecord)
            if record is None:
                record = self._one_film(film)
                write_model(path, record)
            if record.skipped:
                self._note(f"{film.name}: skipped, {record.skipped}")
            delete_unused(self.out, record)
            records[content] = record
        return list(records.values())

    def _one_film(self, film: Film) -> FilmRecord:
        try:
            footage = probe_footage(film.path)
            if footage.high_dynamic_range:
                raise ArtifactError(f"its colours are HDR ({footage.colours}); convert it to SDR first")
            shots = self._shots(film, footage)
        except ArtifactError as error:
            return FilmRecord(id=film.id, name=film.name, skipped=str(error))
        clips, drops = self._clips(film, footage, shots)
        drops += shots.drops
        clips, with_text = self._without_text(clips, shots.fps)
        by_number = {clip.part.number: clip for clip in clips}
        groups, alone = group([clip.part for clip in clips], shots.fps, self.settings)
        drops += [*with_text, *alone]
        names: list[str] = []
        self.tell({"event": "stage", "text": "captions", "total": sum(map(len, groups))})
        for number, parts in enumerate(groups, start=1):
            name = f"{film.id}-{number:03d}"
            record, lost = self._one_sequence(name, film, parts, [by_number[part.number] for part in parts])
            drops += lost
            if record is not None:
                write_model(self.out / SEQUENCES / f"{name}.json", record)
                names.append(name)
        return FilmRecord(id=film.id, name=film.name, seconds=shots.frames / shots.fps, note=shots.note,
                          sequences=tuple(names), drops=tuple(sorted(drops, key=lambda drop: drop.start)))

    def _shots(self, film: Film, footage: Footage) -> FilmShots:
        path = self.out / SHOTS / f"{film.id}.json"
        shots = read_model(path, FilmShots)
        if shots is None:
            self.tell({"event": "stage", "text": "finding shots", "total": round(footage.seconds * footage.rate)})
            seen = look_through(film.path, footage, lambda number: self.tell({"event": "step", "count": 1}))
            parts, drops = divide(seen.cuts, seen.frames, seen.flaws, footage.rate, self.settings)
            shots = FilmShots(fps=footage.rate, frames=seen.frames, parts=parts, drops=drops, area=seen.area,
                              note=_notes(footage, seen))
            write_model(path, shots)
        return shots

    def _clips(self, film: Film, footage: Footage, shots: FilmShots) -> tuple[list[ClipFile], list[Drop]]:
        self.tell({"event": "stage", "text": "cutting clips", "total": len(shots.parts)})
        clips: list[ClipFile] = []
        drops: list[Drop] = []
        for part in shots.parts:
            try:
                clips.append(cut_clip(film, footage, shots.area, part, self.out))
            except ArtifactError as error:
                if shutil.disk_usage(self.out).free < LEAST_FREE:
                    raise
                drops.append(drop_part(part, footage.rate, "damaged", str(error)))
            self.tell({"event": "step", "count": 1})
        return clips, drops

    def _without_text(self, clips: list[ClipFile], fps: int) -> tuple[list[ClipFile], list[Drop]]:
        self.tell({"event": "stage", "text": "looking for subtitles", "total": len(clips)})
        found = clips_with_text(self.answers, clips, self.workers,
                                lambda count: self.tell({"event": "step", "count": count}))
        drops = [drop_part(clip.part, fps, "text", found[clip.part.number]) for clip in clips
                 if clip.part.number in found]
        return [clip for clip in clips if clip.part.number not in found], drops

    def _one_sequence(
        self, name: str, film: Film, parts: Sequence[Part], clips: Sequence[ClipFile]
    ) -> tuple[SequenceRecord | None, list[Drop]]:
        """Return a captioned sequence, or None, and what is dropped of it."""
        path = self.out / SEQUENCES / f"{name}.json"
        try:
            inventory = caption_story(self.answers, clips)
        except GivenUpError as error:
            return None, _all(clips, "caption", f"no story caption: {error}")
        if not inventory.subjects:
            return None, _all(clips, "subjects", "no subject recurs in this sequence")
        captions = caption_shots(self.answers, inventory, clips, self.workers,
                                 lambda: self.tell({"event": "step", "count": 1}))
        drops = [drop_part(clip.part, clip.fps, "caption", f"no caption: {caption}")
                 for clip, caption in zip(clips, captions, strict=True) if isinstance(caption, GivenUpError)]
        kept = [(clip, part, caption) for clip, part, caption in zip(clips, parts, captions, strict=True)
                if isinstance(caption, ShotCaption)]
        clips, good = [clip for clip, _, _ in kept], [caption for _, _, caption in kept]
        if not recurring_labels(good):
            return None, drops + _all(clips, "subjects", "no subject is seen in two of these shots")
        record = read_model(path, SequenceRecord)
        if record is None:
            targets = caption_targets(self.answers, inventory, clips, good, self.workers)
            record = SequenceRecord(
                sequence_id=name, film=film.name, story_caption=inventory.story, subjects=inventory.subjects,
                sequence_clips=_clip_records(inventory, clips, join([part for _, part, _ in kept]), good),
                reconstruct_targets=targets, captioned_by=self.settings.model,
            )
        return record, drops

    def _note(self, text: str) -> None:
        self.tell({"event": "note", "text": text})


def _clip_records(
    inventory: Inventory, clips: Sequence[ClipFile], parts: Sequence[Part], captions: Sequence[ShotCaption]
) -> tuple[Clip, ...]:
    return tuple(
        Clip(video_path=clip.name, caption=two_part_caption(inventory.subjects, tuple(caption.seen), caption.caption),
             sequence_order=order, cut=part.cut, start=part.start / clip.fps, fps=clip.fps, frames=clip.frames,
             width=clip.size.width, height=clip.size.height, bytes=clip.bytes, sha256=clip.sha256,
             keyframes_16fps=clip.keyframes, sightings=caption.sightings)
        for order, (clip, part, caption) in enumerate(zip(clips, parts, captions, strict=True))
    )


def _notes(footage: Footage, seen: Seen) -> str:
    """Say what a person should know of a film file."""
    seconds, notes = seen.frames / footage.rate, []
    if seconds < WHOLE * footage.seconds:
        notes.append(f"only {seconds:.0f} of {footage.seconds:.0f} s can be decoded")
    if seen.area.area < 1:
        notes.append(f"black bars are cut off: {seen.area.area:.0%} of the picture are used")
    return "; ".join(notes)


def _all(clips: Sequence[ClipFile], kind: DropKind, reason: str) -> list[Drop]:
    return [drop_part(clip.part, clip.fps, kind, reason) for clip in clips]
