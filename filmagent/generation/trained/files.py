"""A trained memory on disk: one safetensors file an expert, in the names that our generators read, with what it is.

    FOLDER/backbone_high_noise.safetensors, backbone_low_noise.safetensors     of a base with two experts
    FOLDER/backbone.safetensors                                                of a base with one

LoRA weights are named as StoryMem's and Memento's published ones (`blocks.0.self_attn.q.lora_A.weight`), Memento's
selector as `keyframe_query.*`, OneStory's modules as `frame_selector.*` and `context_patchifiers.*`; alpha is the rank,
rank-stabilised, which is what the loaders take. The header says how memory is shown, and to which base a file belongs;
with another it is refused. Knows files and names; nothing of training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filmagent.errors import ModelFilesError
from filmagent.generation.trained.bases import Base, BaseIdentity, differences, identify
from filmagent.generation.trained.names import EXPERTS, POLICIES, Expert, Policy
from filmagent.generation.wan.memento.quota import QUERIES, Queries
from filmagent.generation.wan.onestory.shape import MemoryShape
from filmagent.generation.wan.weights.checkpoints import check_safetensors

if TYPE_CHECKING:
    from torch import Tensor

ADAPTER = "trained"
"""Name of the LoRA on an expert."""
FORMAT = "filmagent-memory-1"
HEADER = "filmagent_memory"
"""Entry of the file's metadata that says all of it, as JSON."""
TRAIN_AGAIN = "give a file of `filmagent train memory`"


@dataclass(frozen=True)
class TrainedMemory:
    """What the header of a file says."""

    policy: Policy
    expert: Expert
    rank: int
    step: int
    base: BaseIdentity
    cached: bool = False
    """Whether memory is read once a shot and kept, which the base must be filmed with as well."""
    shape: MemoryShape | None = None
    """Of OneStory's modules; None: another policy."""
    queries: Queries = "both"
    """Which of Memento's queries choose."""
    reconstruction: float | None = None
    """In what share of Memento's examples a subject was drawn from memory alone as well; None: unsaid."""

    @property
    def kind(self) -> tuple[Policy, bool, MemoryShape | None, Queries]:
        """What two experts that film together must have in common."""
        return self.policy, self.cached, self.shape, self.queries


def weights_file(folder: Path, expert: Expert) -> Path:
    """Return where an expert's trained memory lies."""
    return folder / ("backbone.safetensors" if expert == "denoiser" else f"backbone_{expert}.safetensors")


def save_trained(file: Path, weights: Mapping[str, Tensor], told: TrainedMemory) -> None:
    """Write a trained memory; a reader never sees half a file.

    Args:
        file: from `weights_file`.
        weights: LoRA weights in diffusers' names (`blocks.0.attn1.to_q.lora_A.weight`), and the selector's.
        told: what the header says.
    """
    from filmagent.generation.wan.weights.lora import save_lora

    header = {
        "format": FORMAT,
        "policy": told.policy,
        "expert": told.expert,
        "rank": told.rank,
        "alpha": told.rank,
        "rslora": True,
        "step": told.step,
        "cached": told.cached,
        "shape": None if told.shape is None else asdict(told.shape),
        **({"queries": told.queries, "reconstruction": told.reconstruction} if told.policy == "memento" else {}),
        **{f"base_{name}": value for name, value in asdict(told.base).items()},
    }
    save_lora({name: tensor.float() for name, tensor in weights.items()}, file, {HEADER: json.dumps(header)})


def read_trained(file: Path) -> TrainedMemory:
    """Read what a file says of itself; no weight is loaded.

    Raises:
        ModelFilesError: the file is missing, broken, or of another kind.
    """
    from safetensors import safe_open

    check_safetensors(file, TRAIN_AGAIN)
    with safe_open(file, framework="numpy") as weights:
        written = (weights.metadata() or {}).get(HEADER, "{}")
    try:
        told = json.loads(written)
        if told["format"] != FORMAT or not told["rslora"] or told["alpha"] != told["rank"]:
            raise ValueError(f"format {told['format']!r}, alpha {told['alpha']}, rank {told['rank']}")
        if told["policy"] not in POLICIES or told["expert"] not in EXPERTS:
            raise ValueError(f"policy {told['policy']!r}, expert {told['expert']!r}")
        if (told["shape"] is None) == (told["policy"] == "onestory"):
            raise ValueError(f"policy {told['policy']!r} with memory of shape {told['shape']}")
        queries = told.get("queries", "both")  # only Memento's files say it
        if queries not in (QUERIES if told["policy"] == "memento" else ("both",)):
            raise ValueError(f"policy {told['policy']!r} with queries {queries!r}")
        share = told.get("reconstruction")
        return TrainedMemory(
            told["policy"],
            told["expert"],
            int(told["rank"]),
            int(told["step"]),
            BaseIdentity(told["base_name"], told["base_shape"], told["base_weights"]),
            bool(told["cached"]),
            None if told["shape"] is None else MemoryShape.told(told["shape"]),
            queries,
            None if share is None else float(share),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFilesError(f"{str(file)!r} is no memory trained by this release ({error}): {TRAIN_AGAIN}") from error


def check_belongs(file: Path, told: TrainedMemory, base: Base) -> None:
    """Raise ModelFilesError, in one line, unless a file was trained on this base."""
    if told.expert not in base.experts:
        raise ModelFilesError(
            f"{str(file)!r} is for a {told.expert} expert of {told.base.name}; {base.name} has "
            f"{' and '.join(base.experts)}: take the base that it was trained on"
        )
    if wrong := differences(told.base, identify(base, told.expert)):
        name, (wanted, found) = next(iter(wrong.items()))
        raise ModelFilesError(
            f"{str(file)!r} was trained on {told.base.name} ({name} {wanted}); {base.name} is "
            f"another base ({name} {found}): take the base that it was trained on (trained-memory:FOLDER@BASE), "
            "or train again"
        )
