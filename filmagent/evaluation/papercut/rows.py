"""The rows of the table, as data: which memory a film is made with, and the controls that say what its figures mean.

Knows names and policies; films nothing. Importing this loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from filmagent.errors import UsageError
from filmagent.generation.memory.cover import Cover
from filmagent.generation.memory.keyframes import KeyframeRules
from filmagent.generation.memory.policies import NoMemory, StoryMem
from filmagent.generation.memory.port import MemoryPolicy
from filmagent.generation.memory.registry import FeaturesFactory
from filmagent.generation.port import Generator
from filmagent.generation.trained.names import BUILT_IN
from filmagent.scoring.quality import Clarity, QualityGate

Source = Literal["generated", "truth", "frozen", "repeated"]
"""Where the frames come from: the generator; the renderer; the first frame of the film's first take, held; that take,
shown again and again."""

FIRST_FRAME_ONLY = KeyframeRules(similarity=-2.0, most=1, duplicate=2.0)
"""No cosine is below -2 or above 2: one frame a shot, whatever it shows and whatever is known already."""
EVERYTHING_PASSES = QualityGate(Clarity(), threshold=0.0)


@dataclass(frozen=True)
class Row:
    """One way to make the films of the held-out stories."""

    name: str
    says: str
    """What it is, in a few words, for the table."""
    policy: Callable[[FeaturesFactory], MemoryPolicy] = lambda features: NoMemory()
    source: Source = "generated"
    introduced: bool = True
    """Whether the first shot of a figure names its attributes."""
    cuts_only: bool = False
    """Whether every join becomes a cut."""
    generator: Generator | None = None
    """Who films it; None: the laboratory's generator, whom all such rows share."""

    @property
    def one_seed(self) -> bool:
        """Whether other seeds would change nothing."""
        return self.source == "truth"


POLICY_ROWS: Mapping[str, Row] = {
    row.name: row
    for row in (
        Row("none", "no memory"),
        Row("storymem", "StoryMem's keyframes, sink and window", StoryMem),
        Row(
            "storymem-no-semantic",
            "StoryMem, the first good frame of every shot instead of those that show something new",
            lambda features: StoryMem(features, rules=FIRST_FRAME_ONLY),
        ),
        Row(
            "storymem-no-aesthetic",
            "StoryMem without the quality gate",
            lambda features: StoryMem(features, gate=EVERYTHING_PASSES),
        ),
        Row(
            "storymem-no-sink",
            "StoryMem, only the newest keyframes",
            lambda features: StoryMem(features, sink=0),
        ),
        Row("cover", "whoever and whatever the shot needs, covered by name", Cover),
    )
}
CONTROL_ROWS: Mapping[str, Row] = {
    row.name: row
    for row in (
        Row("truth", "control: the rendered truth, the most that can be measured", source="truth"),
        Row("frozen", "control: the film's first frame, held through all shots", source="frozen"),
        Row("repeated", "control: the film's first take, again and again", source="repeated"),
        Row(
            "independent",
            "control: every shot cut and made alone, attributes never said",
            introduced=False,
            cuts_only=True,
        ),
    )
}


def chosen_rows(names: Sequence[str], trained: Sequence[Row] = ()) -> tuple[Row, ...]:
    """The rows of these policies in the order given, then those of trained memories, then all controls.

    Raises:
        UsageError: there is no such policy, or two rows have one name.
    """
    for name in names:
        if name not in POLICY_ROWS:
            raise UsageError(
                f"--policy {name!r}: the papercut benchmark has no such row; choose from "
                f"{', '.join((*POLICY_ROWS, *BUILT_IN))} (the controls are always there)"
            )
    taken = [*POLICY_ROWS, *CONTROL_ROWS]
    for row in trained:
        if row.name in taken:
            raise UsageError(f"--trained {row.name}=...: there is a row of this name already; choose another")
        taken.append(row.name)
    return (*(POLICY_ROWS[name] for name in dict.fromkeys(names)), *trained, *CONTROL_ROWS.values())
