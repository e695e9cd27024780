"""The bases that a memory is trained on: papercut, Wan2.2-I2V-A14B, or any folder of that class; checked, not loaded.

A base is known again by the arguments of its class and by its weights: what is trained on one is of no use to another.
Knows files; importing this loads no torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.models.catalogue import WAN_I2V, how_to_get
from filmagent.generation.models.shelf import look_up
from filmagent.generation.papercut.generator import papercut_config
from filmagent.generation.port import FrameSize
from filmagent.generation.trained.names import PART, Expert, Policy
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.memento.generator import memento_config
from filmagent.generation.wan.onestory.generator import SAMPLING as ONESTORY_SAMPLING
from filmagent.generation.wan.storymem import wan_storymem
from filmagent.generation.wan.weights.checkpoints import (
    check_model_folder,
    files_revision,
    part_config,
    parts_of,
    weight_files,
)
from filmagent.generation.wan.weights.original.layout import is_original

CHANNELS = 36
"""What an image-to-video expert reads: noise, mask, clean latents."""


@dataclass(frozen=True)
class Base:
    """A model that stays as it is."""

    name: str
    """`papercut`, `wan2.2`, or the name of a folder with a slash behind it."""
    config: WanConfig
    """How its generator films, without any memory adapter."""
    rank: int
    """Of the LoRA, where none is asked for."""
    rate: float
    """Learning rate, where none is asked for."""
    batch: int
    """Examples that go through it together, where nobody says how many."""
    checkpointed: bool
    """Whether its blocks are so large that they are made again in the backward pass, in place of being kept."""
    eyes: str
    """The generator whose CLIP model sees this base's pictures best, for `filmagent.scoring.clip.features_for`."""
    dropout: float = 0.05
    """Of the LoRA's input, as the references train."""

    @property
    def experts(self) -> tuple[Expert, ...]:
        """Those that it has; high noise first."""
        return ("denoiser",) if self.config.sampling.boundary_ratio is None else ("high_noise", "low_noise")

    @property
    def frames(self) -> int:
        """Frames that a memory is trained on where nobody says how many: 1 where it films on picture by picture."""
        return self.config.frames if self.config.filming is None else 1


@dataclass(frozen=True)
class BaseIdentity:
    """How an expert is known again."""

    name: str
    shape: str
    """16 hex digits of its class's arguments."""
    weights: str
    """16 hex digits of its files' contents."""


def open_base(name: str, policy: Policy) -> Base:
    """Return a base by the word that a person types; looks at no file but papercut's card.

    `papercut:FOLDER` are other weights of papercut, such as those in the making.

    Raises:
        UsageError: there is no such base.
        ModelFilesError: papercut's weights have no card.
    """
    kind, _, home = name.partition(":")
    if kind == "papercut":
        config = papercut_config(Path(home) if home else None)
        return Base(kind, config, rank=16, rate=5e-4, batch=16, checkpointed=False, eyes=name, dropout=0.0)
    if name == "wan2.2":
        return wan_base(name, look_up(WAN_I2V).folder, policy, how_to_get("wan2.2-storymem"))
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise UsageError(f"base {name!r} is neither papercut, wan2.2 nor a folder of a Wan-class model")
    return wan_base(
        f"{folder.resolve().name}/", folder, policy, "give a whole folder in diffusers' format or Wan's own"
    )


def wan_base(name: str, folder: Path, policy: Policy, todo: str) -> Base:
    """Return the base in a folder of Wan2.2-I2V's class: two experts, or one where there is no second."""
    if policy == "memento":
        config = memento_config(name, folder, None, todo)
    else:
        config = replace(wan_storymem(str(folder)).config, adapters=(), name=name, how_to_get=todo)  # type: ignore[attr-defined]
        if policy == "onestory":
            config = replace(config, sampling=ONESTORY_SAMPLING)
    config = replace(config, adapter_card=None)
    if not is_original(folder) and folder.is_dir() and not (folder / "transformer_2").is_dir():
        config = replace(config, sampling=replace(config.sampling, boundary_ratio=None))
    return Base(name, config, rank=128, rate=1e-5, batch=1, checkpointed=True, eyes="wan-storymem")


def check_base(base: Base, size: FrameSize, frames: int) -> None:
    """Look whether a base is whole, of the class that can be trained, and fit for a size; loads nothing.

    Raises:
        ModelFilesError: a file is missing or broken, or an expert reads something else.
        UsageError: size or length are none of this base's.
    """
    config, todo = base.config, base.config.how_to_get
    check_model_folder(config.folder, parts_of(len(base.experts) == 2), todo)
    for expert in base.experts:
        told = part_config(config.folder, PART[expert], todo)
        if told.get("in_channels") != CHANNELS or told.get("image_dim") is not None:
            raise ModelFilesError(
                f"{base.name}: an expert reads {told.get('in_channels')} channels"
                f"{' and CLIP images' if told.get('image_dim') is not None else ''}; memory is trained on Wan2.2's "
                f"image-to-video class, {CHANNELS} channels and none: take such a base"
            )
    multiple = config.size_multiple
    if size.width % multiple or size.height % multiple:
        raise UsageError(f"size {size}: width and height of {base.name} are multiples of {multiple}")
    if size.width * size.height > config.max_pixels:
        raise UsageError(f"size {size} is more than the {config.max_pixels} pixels of {base.name}: give a smaller one")
    if frames > max(config.frames, config.max_frames):
        raise UsageError(f"{frames} frames are more than {base.name} makes, {max(config.frames, config.max_frames)}")
    if config.filming is not None and frames != 1:
        raise UsageError(
            f"{frames} frames: {base.name} films on picture by picture and remembers in first pictures alone; leave "
            "--frames out, or give 1"
        )


def identify(base: Base, expert: Expert) -> BaseIdentity:
    """Return what an expert is known by; reads its files once, samples of large ones. Raises ModelFilesError."""
    config, part = base.config, PART[expert]
    told = part_config(config.folder, part, config.how_to_get)
    weights = files_revision(weight_files(config.folder, part, config.how_to_get))
    return BaseIdentity(base.name, _digest(told), weights)


def differences(one: BaseIdentity, other: BaseIdentity) -> Mapping[str, tuple[str, str]]:
    """Return what differs between two experts, their names aside."""
    first, second = asdict(one), asdict(other)
    return {name: (first[name], second[name]) for name in ("shape", "weights") if first[name] != second[name]}


def _digest(arguments: Mapping[str, object]) -> str:
    """Identify a class's arguments; what libraries write beside them (`_class_name`, ...) does not count."""
    kept = {name: value for name, value in arguments.items() if not name.startswith("_")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]
