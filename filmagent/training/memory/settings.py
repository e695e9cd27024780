"""Everything that decides a memory's training, as frozen data, and what cannot be meant. Knows no torch.

Defaults are those of the papers and of what their programmes say: StoryMem (arXiv 2512.19539), Memento (arXiv
2606.14667), OneStory (arXiv 2512.07802). StoryMem's own training is not published; where it says nothing, Memento's
values stand. OneStory's paper leaves much open; what is taken for it is listed in docs/memory.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from filmagent.errors import UsageError
from filmagent.generation.port import FrameSize
from filmagent.generation.trained.names import PART, STORYMEM_FRAMES, Expert, Policy
from filmagent.generation.wan.memento.quota import QUERIES, Queries
from filmagent.generation.wan.onestory.shape import BUDGETS

NOT_DECISIVE = ("steps", "save_every", "validate_every", "shard")
"""What may differ between the runs of one training."""
RECONSTRUCTION = 0.8
"""Memento's share."""


@dataclass(frozen=True)
class MemoryTraining:
    """One expert's training."""

    policy: Policy
    expert: Expert
    size: FrameSize
    frames: int
    """Frames of a shot, 4 n + 1; 1: first pictures alone, where the base films on from these without memory."""
    rank: int = 128
    """Of the LoRA; alpha is the same, rank-stabilised: the update is sqrt(rank) B A."""
    rate: float = 1e-5
    steps: int = 6000
    batch: int = 1
    """Examples that go through the expert together: they remember as many frames each."""
    accumulate: int = 1
    """Batches a step and process."""
    seed: int = 0
    dropout: float = 0.05
    """Of the LoRA's input."""
    warm_up: int = 50
    selector_rate: float = 10.0
    """Learning rate of a selector, in those of the LoRA: it begins from chance."""
    text_dropped: float = 0.1
    first_frame: float = 0.25
    """How often the shot's first frame is given (MI2V)."""
    motion_frames: float = 0.25
    """How often its first five are given (MM2V)."""
    reconstruction: float = RECONSTRUCTION
    """How often a subject is reconstructed beside the shot, where the shots before have a target; 0: never. Memento's.
    """
    reconstruction_weight: float = 0.5
    """Memento's lambda (its paper's 0.5; its programme has 1)."""
    last_shot_alone: float = 0.1
    """How often Memento's pool holds the last shot alone."""
    most_memory: int = STORYMEM_FRAMES
    """StoryMem's: frames that an example remembers at most, as many as the base films with."""
    queries: Queries = "both"
    """Which of Memento's queries choose the memory, in training and in filming."""
    budget: int = 1
    """OneStory's memory tokens, in latent frames of the shot: 1, 2 or 3."""
    selector_bypassed: float = 0.15
    """First share of all steps in which OneStory shows evenly spread real frames, whatever the selector says."""
    selection_weight: float = 0.3
    """OneStory's lambda, the selection loss's beside the shot's."""
    cached: bool = False
    """StoryMem: read memory once, clean and by itself, so that filming can keep what becomes of it."""
    average: float = 0.999
    """Share of the averaged weights that a step keeps; grows up to this from 0.1."""
    save_every: int = 100
    validate_every: int = 250
    eight_bit: bool = False
    """AdamW with states of 8 bits, by bitsandbytes."""
    gradient_checkpointing: bool = True
    shard: bool = False
    """Several processes hold the frozen blocks together, each a part, in place of each holding all."""

    def __post_init__(self) -> None:
        """Raise UsageError for what cannot be meant."""
        for name in ("rank", "steps", "batch", "accumulate", "most_memory", "save_every", "validate_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}: give 1 or more")
        if not self.rate > 0:
            raise UsageError(f"the learning rate is {self.rate}: give more than 0, such as 1e-5")
        if self.frames < 1 or self.frames % 4 != 1:
            raise UsageError(f"{self.frames} frames: a shot has 4 n + 1 of them, such as 81; 1 is its first picture")
        if self.first_frame + self.motion_frames > 1:
            raise UsageError("first-frame and motion-frame joins together make more than all examples")
        if self.budget not in BUDGETS:
            raise UsageError(f"a budget of {self.budget} latent frames: OneStory's are {', '.join(map(str, BUDGETS))}")
        if self.cached and self.policy != "storymem":
            raise UsageError(f"cached memory is an option of storymem; {self.policy} has none")
        if self.cached and self.shard:
            raise UsageError(
                "cached memory does not go with --shard: processes that draw a shot without memory would run fewer "
                "forwards than the others, who wait for their parts of the weights; leave one of the two out"
            )
        if self.budget != 1 and self.policy != "onestory":
            raise UsageError(f"the budget is OneStory's; {self.policy} has none")
        self._check_mementos_own()

    def _check_mementos_own(self) -> None:
        if not 0 <= self.reconstruction <= 1:
            raise UsageError(f"a reconstruction share of {self.reconstruction}: give 0 (never) to 1 (always)")
        if self.queries not in QUERIES:
            raise UsageError(f"queries {self.queries!r}: Memento's are {', '.join(QUERIES)}")
        if self.policy != "memento":
            for name, mementos in (("reconstruction", RECONSTRUCTION), ("queries", "both")):
                if getattr(self, name) != mementos:
                    raise UsageError(f"{name} {getattr(self, name)}: that is Memento's; {self.policy} has none")

    @property
    def part(self) -> str:
        """The expert's folder by diffusers' names."""
        return PART[self.expert]

    def decisive(self) -> dict[str, Any]:
        """Return what must be equal for one run to go on from another."""
        return {name: str(value) for name, value in vars(self).items() if name not in NOT_DECISIVE}
