"""Clip files of the kept parts, and the pictures of them that a vision LLM is shown.

A clip is cut once from its film, re-encoded so that it begins and ends at the very frame, and never written again.
Frames are numbered at 16 a second, as Memento's data does. Knows ffmpeg; nothing of captions.
"""

from __future__ import annotations

import io
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from filmagent.artifacts import atomic_path, sha256_of_file, write_bytes_atomically
from filmagent.delivery.video import probe_video
from filmagent.errors import ArtifactError
from filmagent.generation.port import FrameSize, Image
from filmagent.training.curate.answers import Picture
from filmagent.training.curate.cutting import Part
from filmagent.training.curate.films import Film
from filmagent.training.sequences.folder import CLIPS
from filmagent.training.sequences.footage import (
    FIRST_VIDEO,
    Footage,
    ffmpeg_program,
    fit_within,
    last_words,
    read_footage,
)
from filmagent.training.sequences.record import GRID, Box

LONGEST_SIDE = 1280
"""Pixels of a clip's longer side at most: enough to train at 480p and 720p."""
SHOWN_SIDE = 768
"""Pixels of the longer side of pictures that are sent."""
PICTURES = "pictures"
"""Folder of the keyframes, as they are sent and as the report shows them."""
SEEK_BACK = 10.0
"""Seconds before a clip at which reading its film begins."""
SPARE = 2
"""Frames behind a clip that are read, so that the last one can be told from its follower in films of uneven timing."""
CRF = 14
"""Constant rate factor of clips: no loss that a VAE would see."""
KEYFRAMES = 4
"""Frames of a clip that are looked at, spread evenly."""


@dataclass(frozen=True)
class ClipFile:
    """A clip on disk."""

    film: str
    """Id of its film."""
    part: Part
    root: Path
    """Folder of the curation."""
    name: str
    """Path below the folder of the curation, with forward slashes."""
    size: FrameSize
    fps: int
    frames: int
    sha256: str
    bytes: int

    @property
    def keyframes(self) -> tuple[int, ...]:
        """Numbers of the frames that are looked at, counted at 16 a second."""
        on_grid = self.frames * GRID / self.fps
        return tuple(int((index + 0.5) * on_grid / KEYFRAMES) for index in range(KEYFRAMES))

    def picture(self, keyframe: int, box: Box | None = None) -> Picture:
        """Return a keyframe, whole or only what a box holds, as a picture to be shown."""
        area = "" if box is None else f":{box.left:.3f},{box.top:.3f},{box.right:.3f},{box.bottom:.3f}"
        where = f"{self.film}:{self.part.start}+{self.part.frames}@{self.fps}:{keyframe}:{SHOWN_SIDE}"
        path = self.root / picture_name(self.name, keyframe)
        return Picture(where + area, lambda: path.read_bytes() if box is None else cut_out(path, box))


def picture_name(clip: str, keyframe: int) -> str:
    """Return where a keyframe of a clip lies as a JPEG file, both below the folder of the curation."""
    return f"{PICTURES}/{clip.removeprefix(CLIPS + '/').removesuffix('.mp4')}-{keyframe:04d}.jpg"


def cut_clip(film: Film, footage: Footage, area: Box, part: Part, root: Path) -> ClipFile:
    """Cut one part out of its film, unless the clip is there already; return the clip.

    Args:
        film: where the part comes from.
        footage: the film's header.
        area: what is used of the picture.
        part: what is cut.
        root: folder of the curation; the clip goes to `clips/FILM/NUMBER.mp4`.

    Raises:
        ArtifactError: ffmpeg cannot cut it, or the clip that is there is damaged.
    """
    path = root / CLIPS / film.id / f"{part.number:04d}.mp4"
    if not path.is_file():
        _encode(film.path, footage, area, part, path)
    info = probe_video(path)
    clip = ClipFile(film.id, part, root, path.relative_to(root).as_posix(), FrameSize(info.width, info.height),
                    info.fps, info.frames, sha256_of_file(path), path.stat().st_size)
    _write_keyframes(clip)
    return clip


def cut_out(path: Path, box: Box, longest: int = SHOWN_SIDE) -> bytes:
    """Return what a box holds of a picture file, as a JPEG file whose longer side is at most so many pixels."""
    with PillowImage.open(path) as image:
        return encode_jpeg(_inside(np.asarray(image.convert("RGB")), box), longest)


def encode_jpeg(picture: Image, longest: int = SHOWN_SIDE) -> bytes:
    """Return a picture as a JPEG file whose longer side is at most so many pixels."""
    image = PillowImage.fromarray(picture)
    image.thumbnail((longest, longest), PillowImage.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=90)
    return file.getvalue()


def _write_keyframes(clip: ClipFile) -> None:
    """Write the keyframes that are not there yet, decoding the clip once. Raises ArtifactError if it lacks one."""
    wanted = {key: clip.root / picture_name(clip.name, key) for key in clip.keyframes}
    if all(path.is_file() for path in wanted.values()):
        return
    frames = read_footage(clip.root / clip.name, fit_within(clip.size, SHOWN_SIDE), GRID, count=clip.keyframes[-1] + 1)
    for number, frame in enumerate(frames):
        if number in wanted:
            write_bytes_atomically(wanted.pop(number), encode_jpeg(frame))
    if wanted:
        raise ArtifactError(f"{clip.name} lacks its frames {list(wanted)}; delete it, and it is cut again")


def _inside(picture: Image, box: Box) -> Image:
    height, width = picture.shape[:2]
    left, top = int(box.left * width), int(box.top * height)
    right, bottom = max(left + 1, round(box.right * width)), max(top + 1, round(box.bottom * height))
    return picture[top:bottom, left:right]


def _encode(film: Path, footage: Footage, area: Box, part: Part, path: Path) -> None:
    """Write a part as H.264 in BT.709.

    Seeking goes some seconds too far back, because not every format can be sought exactly; where that lands too late,
    the film is read from its beginning.
    """
    begin, tries = part.start / footage.rate, (max(0.0, part.start / footage.rate - SEEK_BACK), 0.0)
    for sought in dict.fromkeys(tries):
        try:
            with atomic_path(path) as hidden:
                _transcode(film, hidden, sought, begin, part.frames, footage, area)
                if (found := probe_video(hidden).frames) != part.frames:
                    raise ArtifactError(f"{film.name!r} gives {found} instead of {part.frames} frames from "
                                        f"{begin:.2f} s on")
            return
        except ArtifactError:
            if not sought:
                raise


def _transcode(
    film: Path, hidden: Path, sought: float, begin: float, frames: int, footage: Footage, area: Box
) -> None:
    """Read a film from `sought` seconds on and write the frames that are shown from `begin` seconds on.

    Frames are taken by their times, beginning a quarter of a frame early so that rounded times lose none.
    """
    fps, wide, high = footage.rate, area.right - area.left, area.bottom - area.top
    whole = FrameSize(round(footage.size.width * wide), round(footage.size.height * high))
    size = fit_within(whole, LONGEST_SIDE)
    first = begin - sought - 0.25 / fps
    last = first + (frames + SPARE) / fps
    filters = (f"trim=start={max(0.0, first):.6f}:end={last:.6f},setpts=PTS-{begin - sought:.6f}/TB,fps={fps},"
               f"crop=w=iw*{wide:.6f}:h=ih*{high:.6f}:x=iw*{area.left:.6f}:y=ih*{area.top:.6f},"
               f"scale={size.width}:{size.height}:flags=lanczos+accurate_rnd:out_color_matrix=bt709"
               ":out_range=tv,setsar=1,format=yuv420p")
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-y", *(["-ss", f"{sought:.6f}"] if sought else []),
               "-i", str(film), "-map", FIRST_VIDEO, "-an", "-sn", "-dn", "-vf", filters, "-frames:v", str(frames),
               "-c:v", "libx264", "-preset", "medium", "-crf", str(CRF), "-map_metadata", "-1",
               "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv",
               "-movflags", "+faststart", str(hidden)]
    with tempfile.TemporaryFile() as words:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=words, check=False)
        if done.returncode != 0:
            raise ArtifactError(f"ffmpeg cannot cut a clip from {film.name!r}: {last_words(words)}")
