"""What was made and how it was judged: takes, reviews, levers, and the film.

Knows ids, numbers, hashes and paths relative to the run folder; never frames.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from filmagent.schemas.story import LinkKind, Model

Verdict = Literal["pass", "retake"]
"""What a critic may say of a take."""
Outcome = Literal["pass", "retake", "attempts_exhausted", "critic_error", "unreviewed"]
"""What may become of a take: the machinery adds what a critic can never say."""
FilmStatus = Literal["done", "attempts_exhausted", "critic_error", "rejected"]
"""How a film ended. Only `done` means that every shot passed or that a person accepted it."""
LeverKind = Literal["new_seed", "more_memory", "less_memory", "other_link", "rewrite_attributes", "add_reference"]

Symptom = Literal[
    "blank",
    "frozen",
    "flicker",
    "wrong_subject",
    "identity_drift",
    "off_caption",
    "seam_jump",
    "low_quality",
]


class Lever(Model):
    """The one thing that a retake changes against the baseline of its shot."""

    kind: LeverKind
    reason: str
    seed_offset: int = 0
    """Added to the shot's baseline seed."""
    memory_limit: int | None = None
    """At most this many memory frames; None: the baseline."""
    link: LinkKind | None = None
    """Another link than planned; None: the baseline."""
    prompt_suffix: str = ""
    """Attributes spelled out behind the caption."""
    subject: str | None = None
    """Whose reference or keyframes are added."""


class MemoryUse(Model):
    """One memory frame that a take was given."""

    sha256: str
    path: str
    """Relative to the run folder."""
    shot: str | None
    """Id of the shot whose accepted take it comes from; None: a reference photograph."""
    subjects: tuple[str, ...] = ()
    place: str | None = None
    reason: str = ""
    film_frame: int | None = None
    """Its place in the film when it was shown, in frames; only told to generators that choose by time."""
    offered_to: tuple[str, ...] = ()
    """Experts of the generator that may choose it; empty: everybody."""
    pinned: bool = False
    """It is shown whatever the experts choose."""
    chosen_by: tuple[str, ...] = ()
    """Experts that chose it; empty with a generator that is shown what it is given."""


class IdentityPicture(Model):
    """What the memory of a take gave back of one subject: a picture drawn beside the shot."""

    subject: str
    text: str
    """What was asked for."""
    path: str
    """The picture, relative to the run folder."""
    sha256: str


class Take(Model):
    """One attempt at one shot. The key is the hash of everything that made it."""

    key: str = Field(pattern=r"^[0-9a-f]{16,64}$")
    shot: str
    attempt: int = Field(ge=1)
    path: str
    """The video file, relative to the run folder."""
    sha256: str
    """Of the video file."""
    frames: int = Field(ge=1)
    fps: int = Field(ge=1)
    width: int
    height: int
    link: LinkKind
    prompt: str
    negative_prompt: str = ""
    seed: int
    generator: str
    memory: tuple[MemoryUse, ...] = ()
    """What it was shown, or offered to choose from."""
    identity: IdentityPicture | None = None
    seam_sha256: str | None = None
    """Hash of the frames handed over by the take before; None at a cut."""
    seam_take: str | None = None
    """Key of the take that the seam frames come from."""
    lever: Lever | None = None
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = Field(default_factory=dict)
    """Measured seconds per stage."""
    machine: str = ""
    """Device, precision and place of the weights, as the generator names them; empty: not told."""

    @property
    def memory_shown(self) -> tuple[MemoryUse, ...]:
        """The memory frames that it was really shown: those that an expert chose, or all when nobody chose."""
        chosen = tuple(use for use in self.memory if use.chosen_by)
        return chosen or self.memory

    @property
    def memory_at_a_time(self) -> int:
        """How many memory frames it was shown at a time: each expert sees its own choice."""
        shown = self.memory_shown
        experts = {expert for use in shown for expert in use.chosen_by}
        return max((sum(expert in use.chosen_by for use in shown) for expert in experts), default=len(shown))


class Review(Model):
    """What the critic measured of one take."""

    take: str
    """Key of the take."""
    outcome: Outcome
    scores: dict[str, float] = Field(default_factory=dict)
    symptoms: tuple[Symptom, ...] = ()
    reason: str = ""
    lever: Lever | None = None
    """What the next attempt should change; None when there is nothing to change."""


class ModelUse(Model):
    """A model that took part, as the manifest names it."""

    name: str
    revision: str
    licence: str
    role: str


class ShotRecord(Model):
    """One shot in the manifest: the decision, the chosen take, every attempt."""

    shot: str
    chosen: Take
    outcome: Outcome
    accepted_by: Literal["critic", "person"] = "critic"
    attempts: tuple[Take, ...]
    reviews: tuple[Review, ...]


class Film(Model):
    """The end of a run, as other programs read it."""

    title: str
    path: str
    """The film, relative to the run folder."""
    status: FilmStatus
    seconds: float
    width: int
    height: int
    fps: int
    shots: int
