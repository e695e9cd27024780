"""Whether a generator can make what is asked, found out before any weights are loaded.

Pure checks of sizes, lengths, links and memory against `Capabilities`. Knows no model and no torch.
"""

from __future__ import annotations

import numpy as np

from filmagent.errors import UsageError
from filmagent.generation.port import Capabilities, Frames, FrameSize, GenerationRequest
from filmagent.schemas.story import SEAM_FRAMES, LinkKind

TEMPORAL_STRIDE = 4
"""Wan's VAE packs four frames into one latent frame, after a first one that stands alone: lengths are 4 n + 1."""


def check_size(capabilities: Capabilities, size: FrameSize) -> None:
    """Raise UsageError unless the generator can make pictures of this size (pixels)."""
    multiple = capabilities.size_multiple
    if size.width < multiple or size.height < multiple or size.width % multiple or size.height % multiple:
        raise UsageError(
            f"size {size}: {capabilities.name} needs width and height in multiples of {multiple}, "
            f"such as {capabilities.native_size}"
        )
    if size.width * size.height > capabilities.max_pixels:
        raise UsageError(
            f"size {size} has {size.width * size.height} pixels; {capabilities.name} makes at most "
            f"{capabilities.max_pixels}, such as {capabilities.native_size}"
        )


def check_request_fits(capabilities: Capabilities, size: FrameSize, frames: int, link: LinkKind, memory: int) -> None:
    """Raise UsageError unless a shot of this size, length, link and number of memory frames can be made."""
    check_size(capabilities, size)
    if link not in capabilities.links:
        raise UsageError(
            f"link {link!r}: {capabilities.name} joins shots only by {', '.join(sorted(capabilities.links))}"
        )
    longest = max(capabilities.frames, capabilities.max_frames)
    shortest = SEAM_FRAMES[link] + 1
    if frames % TEMPORAL_STRIDE != 1 or not shortest <= frames <= longest:
        raise UsageError(
            f"{frames} frames with link {link!r}: {capabilities.name} makes 4 n + 1 frames, "
            f"from {shortest} to {longest}"
        )
    most = max(capabilities.max_memory, capabilities.memory_candidates)
    if not 0 <= memory <= most:
        takes = "chooses from" if capabilities.memory_candidates else "was trained for"
        raise UsageError(f"{memory} memory frames: {capabilities.name} {takes} 0 to {most}")
    if memory and not capabilities.remembers_at(link):
        raise UsageError(
            f"{memory} memory frames with link {link!r}: {capabilities.name} goes on from the take before alone; "
            "show it memory at cuts"
        )


def check_request(capabilities: Capabilities, request: GenerationRequest) -> None:
    """Raise UsageError unless the whole request can be made: its numbers, and the pictures that it carries."""
    check_request_fits(capabilities, request.size, request.frames, request.link, len(request.memory))
    if not request.prompt.strip():
        raise UsageError("the prompt is empty: say what the shot shows")
    if not 0 <= request.seed < 2**63:
        raise UsageError(f"seed {request.seed}: give a whole number from 0 to 2**63 - 1")
    for index, picture in enumerate(request.memory):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] != 3 or 0 in picture.shape:
            raise UsageError(
                f"memory frame {index} is {picture.dtype} of shape {picture.shape}; give uint8 RGB (height, width, 3)"
            )
    _check_seam(request.link, request.seam, request.size)
    _check_recollection(capabilities, request)


def _check_recollection(capabilities: Capabilities, request: GenerationRequest) -> None:
    """Refuse a recollection that a generator cannot use, and memory without one that it needs."""
    name, told, frames = capabilities.name, request.recollection, len(request.memory)
    if told is None:
        if frames and capabilities.memory_candidates:
            raise UsageError(f"{name} chooses its memory by when it was filmed: give a recollection for the {frames} "
                             "memory frames")
        return
    if not capabilities.memory_candidates:
        raise UsageError(f"{name} does not choose its memory: give no recollection, and only memory that it is to see")
    if len(told.candidates) != frames:
        raise UsageError(f"the recollection tells of {len(told.candidates)} candidates; the request holds {frames} "
                         "memory frames")
    if not 1 <= told.show <= capabilities.max_memory:
        raise UsageError(f"{told.show} memory frames at a time: {name} was trained for 1 to {capabilities.max_memory}")
    if told.identity.strip() and not capabilities.draws_identity:
        raise UsageError(f"{name} cannot draw a subject beside a shot: leave the identity out")


def _check_seam(link: LinkKind, seam: Frames | None, size: FrameSize) -> None:
    count = SEAM_FRAMES[link]
    if seam is None:
        if count:
            raise UsageError(f"link {link!r} continues the take before: give its last {count} frames as the seam")
        return
    if count == 0:
        raise UsageError(f"link {link!r} is a cut: it takes no seam, but {len(seam)} frames were given")
    wanted = (count, size.height, size.width, 3)
    if seam.dtype != np.uint8 or seam.shape != wanted:
        raise UsageError(f"the seam is {seam.dtype} of shape {seam.shape}; link {link!r} needs uint8 of shape {wanted}")
