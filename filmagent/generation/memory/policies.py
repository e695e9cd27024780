"""The memory policies: nothing at all, and StoryMem's keyframes with sink and window.

A policy decides; the bank reads and writes. Knows no files, graphs or critics. Importing this loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
from PIL import Image as Pillow

from filmagent.generation.memory.keyframes import KeyframeRules, Unit, already_known, choose_keyframes, scoring_size
from filmagent.generation.memory.port import BankView, Kept, Recall, Remembered
from filmagent.generation.memory.window import SINK, sink_and_window, sink_size
from filmagent.generation.port import Frames, Image
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import Shot, Story
from filmagent.scoring.anchors import presence
from filmagent.scoring.clip import ImageFeatures
from filmagent.scoring.quality import CLARITY_GATE, QualityGate

UNCONFIRMED = 0.5
"""How surely a subject is in a picture when only the script says so, because CLIP has no word for it."""


@dataclass(frozen=True)
class NoMemory:
    """Every shot is made from its caption alone."""

    @property
    def name(self) -> str:
        """The word after `--memory`."""
        return "none"

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """Nothing is decided."""
        return {}

    def remember(self, bank: BankView, story: Story, shot: Shot, frames: Frames) -> Remembered:
        """Keep nothing."""
        return Remembered()

    def recall(self, bank: BankView, story: Story, plan: ShotPlan, limit: int) -> tuple[Recall, ...]:
        """Show nothing."""
        return ()


@dataclass(frozen=True)
class StoryMem:
    """StoryMem (arXiv 2512.19539): up to three keyframes a shot, the first three and the newest are shown."""

    features: Callable[[], ImageFeatures]
    """Gives the CLIP model, not loaded yet; called when a take is remembered, not before."""
    gate: QualityGate = CLARITY_GATE
    rules: KeyframeRules = field(default_factory=KeyframeRules)
    sink: int = SINK

    @property
    def name(self) -> str:
        """The word after `--memory`."""
        return "storymem"

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """The CLIP model's revision, the quality gate and the keyframe rules. The model is not loaded."""
        return {"features": self.features().revision, "quality": self.gate.quality.name,
                "threshold": self.gate.threshold, **asdict(self.rules)}

    def remember(self, bank: BankView, story: Story, shot: Shot, frames: Frames) -> Remembered:
        """Keep the keyframes that show something that the bank does not show yet.

        Raises:
            ModelFilesError: the CLIP model cannot be loaded.
            ScoringError: a frame cannot be measured.
            ArtifactError: a picture of the bank is missing or altered.
        """
        features = self.features()
        measured = [_scaled_for_scoring(frame) for frame in frames]
        quality: dict[int, float] = {}

        def is_good(index: int) -> bool:
            quality[index] = self.gate.quality.score(measured[index])
            return self.gate.passes(quality[index])

        chosen = choose_keyframes(features.embed(measured), is_good, self.rules)
        if not chosen.frames:
            return Remembered(notes=(f"no frame of {shot.id} reaches {self.gate.quality.name} "
                                     f"{self.gate.threshold:g}; nothing is remembered",))
        candidates = tuple(dict.fromkeys(chosen.frames))
        embeddings = features.embed([frames[index] for index in candidates])
        known = features.embed([bank.image(each) for each in bank.keyframes]) if bank.keyframes else embeddings[:0]
        kept, notes = [], []
        for place, (index, embedding) in enumerate(zip(candidates, embeddings, strict=True)):
            repeated = already_known(embedding, known, self.rules)
            if repeated is not None:
                notes.append(f"frame {index} repeats {_origin(bank, repeated)}")
                continue
            reason = "first good frame" if place == 0 else f"cosine to the one before below {chosen.similarity:.2f}"
            kept.append(Kept(frame=index, quality=quality[index], reason=reason,
                             subjects=who_is_seen(story, shot, embedding[None], features)))
        return Remembered(tuple(kept), tuple(notes))

    def recall(self, bank: BankView, story: Story, plan: ShotPlan, limit: int) -> tuple[Recall, ...]:
        """Show the memory sink and the newest keyframes, oldest first. What the shot tells of plays no part."""
        oldest = sink_size(limit, self.sink)
        return tuple(Recall(keyframe, "memory sink" if index < oldest else "recent")
                     for index, keyframe in enumerate(sink_and_window(bank.keyframes, limit, self.sink)))


def _scaled_for_scoring(frame: Image) -> Image:
    """Scale a frame to the size at which StoryMem measures it (bilinear with antialiasing, as Pillow does)."""
    height, width = scoring_size(*frame.shape[:2])
    return np.array(Pillow.fromarray(frame).resize((width, height), Pillow.Resampling.BILINEAR))


def who_is_seen(story: Story, shot: Shot, embedding: Unit, features: ImageFeatures) -> Mapping[str, float]:
    """Return how surely each subject of a shot is in one of its frames, given the frame's embedding (1, dimensions)."""
    seen = presence(story, shot, embedding, features)
    return {key: round(seen.get(key, UNCONFIRMED), 4) for key in shot.subjects}


def _origin(bank: BankView, index: int) -> str:
    keyframe = bank.keyframes[index]
    return f"frame {keyframe.frame} of {keyframe.shot}" if keyframe.shot else "a reference photograph"
