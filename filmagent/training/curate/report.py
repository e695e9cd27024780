"""`report.html`: what became of every film, with pictures; a contact sheet for every sequence.

Shows keyframes with the boxes drawn over them, captions, subjects and targets, and everything that was dropped with its
reason. One page, no script, no network; pictures lie beside it and are made once. Knows records; asks nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

from filmagent.artifacts import write_bytes_atomically
from filmagent.training.curate.clips import PICTURES, cut_out, picture_name
from filmagent.training.curate.folder import REPORT, FilmRecord, film_records, sequence_records
from filmagent.training.sequences.record import Box, Clip, SequenceRecord, Target, shot_caption

CUT_OUT = 240
"""Longer side in pixels of the targets' pictures."""
COLOURS = ("#e8a33d", "#58a6ff", "#4ac18e", "#e5686b", "#b98aff", "#f27ab0")

_PAGE = Template("""\
<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Curated sequences</title><style>
body{background:#14161a;color:#f0f1f3;font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1400px}
h1,h2{font-weight:600}h2{margin:2.5rem 0 .3rem}small,.soft{color:#b8bec8}table{border-collapse:collapse;margin:.6rem 0}
td,th{border-bottom:1px solid #343841;padding:.25rem .9rem .25rem 0;text-align:left;vertical-align:top}
.shot{background:#1d2026;border-radius:8px;margin:.7rem 0;padding:.8rem}.row{display:flex;flex-wrap:wrap;gap:.6rem}
.frame{position:relative;line-height:0}.frame img{border-radius:4px;width:320px}.box{border:2px solid;position:absolute}
.box span{background:#14161acc;font-size:11px;left:0;line-height:1.3;position:absolute;top:0;white-space:nowrap}
figure{margin:0;max-width:240px}figcaption{font-size:13px}summary{cursor:pointer}</style>
<h1>Curated sequences</h1><p>$summary</p>$films$sequences</html>
""")


def write_report(folder: Path) -> Path:
    """Write the page for everything that is done; return its path.

    Raises:
        ArtifactError: a record is damaged or the disk refuses a file.
    """
    films, sequences = film_records(folder), sequence_records(folder)
    clips = [clip for sequence in sequences for clip in sequence.sequence_clips]
    seconds = sum(clip.seconds for clip in clips)
    page = _PAGE.substitute(
        summary=f"{len(films)} films done, {len(sequences)} sequences, {len(clips)} clips, {seconds / 60:.1f} minutes",
        films=_films(films), sequences="".join(_sequence(folder, sequence) for sequence in sequences),
    )
    path = folder / REPORT
    write_bytes_atomically(path, page.encode())
    return path


def _films(films: Sequence[FilmRecord]) -> str:
    rows = []
    for film in films:
        outcome = f"skipped: {film.skipped}" if film.skipped else f"{len(film.sequences)} sequences"
        if film.note:
            outcome += f"; {film.note}"
        rows.append(f"<tr><td>{escape(film.name)}<td>{film.seconds:.0f} s<td>{escape(outcome)}<td>{_drops(film)}")
    return f"<table><tr><th>film<th>length<th>outcome<th>dropped{''.join(rows)}</table>"


def _drops(film: FilmRecord) -> str:
    if not film.drops:
        return "nothing"
    lost = sum(drop.end - drop.start for drop in film.drops)
    rows = "".join(f"<tr><td>{drop.start:.1f} to {drop.end:.1f} s<td>{drop.kind}<td>{escape(drop.reason)}"
                   for drop in film.drops)
    return f"<details><summary>{len(film.drops)} parts, {lost:.0f} s</summary><table>{rows}</table></details>"


def _sequence(folder: Path, record: SequenceRecord) -> str:
    colours = {subject.label: COLOURS[place % len(COLOURS)] for place, subject in enumerate(record.subjects)}
    subjects = "".join(f'<tr><td style="color:{colours[one.label]}">{escape(one.label)}<td>{escape(one.looks)}'
                       for one in record.subjects)
    shots = "".join(_shot(clip, colours) for clip in record.sequence_clips)
    targets = "".join(_target(folder, record, number, target)
                      for number, target in enumerate(record.reconstruct_targets))
    return (f'<section id="{record.sequence_id}"><h2>{escape(record.sequence_id)}</h2>'
            f"<small>{escape(record.film)}, captions by {escape(record.captioned_by)}</small>"
            f"<p>{escape(record.story_caption)}</p><table>{subjects}</table>{shots}"
            f'<p class="soft">Reconstruction targets</p><div class="row">{targets or "none"}</div></section>')


def _shot(clip: Clip, colours: dict[str, str]) -> str:
    frames = []
    for key in clip.keyframes_16fps:
        picture = _picture(picture_name(clip.video_path, key))
        boxes = "".join(_box(seen.box, seen.subject, colours[seen.subject]) for seen in clip.sightings
                        if seen.frame_in_clip_16fps == key)
        frames.append(f'<div class="frame">{picture}{boxes}</div>')
    link = "cut" if clip.cut else "goes on"
    return (f'<div class="shot"><small>shot {clip.sequence_order + 1}, {link}, {clip.start:.1f} s into the film, '
            f'{clip.seconds:.1f} s, {clip.width}x{clip.height} at {clip.fps} fps</small><div class="row">'
            f"{''.join(frames)}</div><p>{escape(shot_caption(clip.caption))}</p></div>")


def _target(folder: Path, record: SequenceRecord, number: int, target: Target) -> str:
    """Return a target's figure; its picture is cut out of the keyframe when it is not there yet."""
    clip = record.sequence_clips[target.clip_index]
    keyframe = picture_name(clip.video_path, target.frame_in_clip_16fps)
    name = f"{PICTURES}/targets/{record.sequence_id}-{number:02d}.jpg"
    if not (folder / name).is_file() and (folder / keyframe).is_file():
        write_bytes_atomically(folder / name, cut_out(folder / keyframe, target.box, CUT_OUT))
    return (f"<figure>{_picture(name)}<figcaption>shot {target.clip_index + 1}: {escape(target.caption)}"
            "</figcaption></figure>")


def _picture(name: str) -> str:
    return f'<img loading="lazy" alt="" src="{quote(name)}">'


def _box(box: Box, label: str, colour: str) -> str:
    place = (f"left:{box.left:.1%};top:{box.top:.1%};width:{box.right - box.left:.1%};"
             f"height:{box.bottom - box.top:.1%}")
    return f'<div class="box" style="{place};border-color:{colour}"><span>{escape(label)}</span></div>'
