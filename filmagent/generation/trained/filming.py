"""A generator that films with a trained memory on the base that it was trained on, and on no other.

    filmagent.generation.trained.filming.trained("OUT/weights")

Cheap: looks at headers; weights load with the first shot. Importing this loads no torch.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.papercut.casting import cast_shot
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import Capabilities, GenerationRequest
from filmagent.generation.trained.bases import Base, open_base
from filmagent.generation.trained.files import ADAPTER, TrainedMemory, check_belongs, read_trained, weights_file
from filmagent.generation.trained.names import MEMENTO_FRAMES
from filmagent.generation.wan.cached.generator import CachedMemoryGenerator
from filmagent.generation.wan.captions import caption_for_wan
from filmagent.generation.wan.config import ALL_LINKS, LinkAdapters, ModelCard, WanConfig
from filmagent.generation.wan.generator import ShotInWork, Translate, WanStoryMemGenerator
from filmagent.generation.wan.memento.generator import CUT_GUIDANCE, WanMementoGenerator
from filmagent.generation.wan.memento.quota import Queries
from filmagent.generation.wan.onestory.generator import KnownMemory, WanOneStoryGenerator

if TYPE_CHECKING:
    from torch import Tensor

    from filmagent.generation.wan.models import LoadedModels

LICENCE = "yours, with that of the base"
"""What the manifest says of weights that a person trained."""


def trained(
    folder: str, *, steps: int | None = None, guidance: float | None = None, licence: str = LICENCE
) -> WanStoryMemGenerator:
    """Make the generator of a folder of trained weights.

    Args:
        folder: `OUT/weights` of a training; with `@BASE` behind it where the base is neither the package's papercut
            nor wan2.2: the word that `--base` was given in training.
        steps: denoising steps; None: the base's own.
        guidance: guidance scale; None: the base's own.
        licence: of the trained weights, as the manifest names it.

    Raises:
        ModelFilesError: a file is missing or broken, or was trained on another base.
        UsageError: there is no such base, or it lies in a folder of one's own that is not said.
    """
    home, base = _home_and_base(folder)
    told = next(iter(_headers(home).values()))
    if base is None and told.base.name not in ("papercut", "wan2.2"):
        raise UsageError(
            f"{str(home)!r} was trained on a folder of your own, {told.base.name}: write {folder}@BASE with that folder"
        )
    opened = open_base(base or told.base.name, told.policy)
    return film_with(home, opened, steps=steps, guidance=guidance, licence=licence)


def film_with(
    folder: Path, base: Base, *, steps: int | None = None, guidance: float | None = None, licence: str = LICENCE
) -> WanStoryMemGenerator:
    """Make the generator of a folder of trained weights on a base. Raises ModelFilesError as `trained` does."""
    headers = _headers(folder)
    for file, told in headers.items():
        check_belongs(file, told, base)
    if len({told.kind for told in headers.values()}) > 1:
        raise ModelFilesError(
            f"{str(folder)!r} holds memories of several policies, budgets, queries or ways of reading: "
            "train both experts alike"
        )
    if missing := [name for name in base.experts if not weights_file(folder, name).is_file()]:
        raise ModelFilesError(f"{str(folder)!r} holds no memory for {base.name}'s {missing[0]} expert: train it too")
    config = _config(folder, base, told, steps, guidance, licence)
    return _generator(config, told, base.name == "papercut", guidance)


def _home_and_base(words: str) -> tuple[Path, str | None]:
    """Take `FOLDER` or `FOLDER@BASE` apart; the names of both may have an @ in them."""
    whole = Path(words).expanduser()
    if not whole.is_dir():
        for at, letter in enumerate(words):
            if letter == "@" and (home := Path(words[:at]).expanduser()).is_dir():
                return home, words[at + 1 :]
    return whole, None


def _generator(config: WanConfig, told: TrainedMemory, small: bool, guidance: float | None) -> WanStoryMemGenerator:
    words: Translate = cast_shot if small else caption_for_wan
    if told.shape is not None:
        return (PapercutOneStory if small else WanOneStoryGenerator)(
            replace(config, adapters=()), words, KnownMemory(config.adapters[0], told.shape)
        )
    if told.policy == "memento":
        if small:
            return PapercutMemento(config, words, told.queries)
        return WanMementoGenerator(config, CUT_GUIDANCE if guidance is None else guidance, told.queries)
    if told.cached:
        return (PapercutCachedMemory if small else CachedMemoryGenerator)(config, words)
    return (PapercutGenerator if small else WanStoryMemGenerator)(config, words)


class _FilmsOnBare(PapercutGenerator):
    """papercut's way of filming cuts; what was trained on first pictures alone leaves all else to the base."""

    _made: Any

    def _denoise(self, request: GenerationRequest, models: LoadedModels, work: ShotInWork) -> Tensor:
        from filmagent.generation.wan.weights.lora import without_lora

        if request.link == "scene_cut" or self.config.filming is None:
            return super()._denoise(request, models, work)
        self._made = None
        with without_lora(models.pipeline.experts()):
            return WanStoryMemGenerator._denoise(self, request, models, work)


class PapercutOneStory(_FilmsOnBare, WanOneStoryGenerator):
    """papercut's way of filming cuts, with OneStory's memory."""


class PapercutCachedMemory(PapercutGenerator, CachedMemoryGenerator):
    """papercut's way of filming cuts, with memory that is read once."""


class PapercutMemento(_FilmsOnBare, WanMementoGenerator):
    """papercut's way of filming cuts, with Memento's memory, in papercut's words."""

    def __init__(self, config: WanConfig, words: Translate, queries: Queries) -> None:
        """Keep the configuration; nothing is read. Guidance is the same at cuts and joins."""
        super().__init__(config, config.sampling.guidance, queries)
        self._translate = words

    @property
    def capabilities(self) -> Capabilities:
        """What it can do: papercut's words name nobody whose picture could be drawn beside the shot."""
        return replace(super().capabilities, draws_identity=False)


def _config(
    folder: Path, base: Base, told: TrainedMemory, steps: int | None, guidance: float | None, licence: str
) -> WanConfig:
    first, *second = (weights_file(folder, name) for name in base.experts)
    sampling = base.config.sampling
    sampling = replace(sampling, steps=sampling.steps if steps is None else steps)
    if guidance is not None:
        sampling = replace(sampling, guidance=guidance, guidance_2=None)
    alone = "" if told.queries == "both" else f", chosen by {told.queries} queries alone,"
    kind = ", read once," if told.cached else alone
    # Its name tells whose pictures these are: a folder's name says nothing of that, its class does.
    family = base.name if base.name in ("papercut", "wan2.2") else "wan"
    return replace(
        base.config,
        name=f"{family}-{told.policy}-trained",
        sampling=sampling,
        max_memory=_most_memory(told, base),
        # Where first pictures alone were trained, the base films on from them as it ever did.
        bare_links=frozenset() if base.config.filming is None else ALL_LINKS - {"scene_cut"},
        adapters=(LinkAdapters(ADAPTER, ALL_LINKS, first, second[0] if second else None),),
        adapter_card=ModelCard(f"{told.policy} memory{kind} trained on {base.name}", licence, "memory adapters"),
    )


def _most_memory(told: TrainedMemory, base: Base) -> int:
    """Return how many memory frames a shot is shown at most, as in training."""
    if told.shape is not None:
        return told.shape.shown.frames
    return MEMENTO_FRAMES if told.policy == "memento" else base.config.max_memory


def _headers(folder: Path) -> dict[Path, TrainedMemory]:
    files = sorted(folder.glob("backbone*.safetensors"))
    if not files:
        raise ModelFilesError(
            f"{str(folder)!r} holds no trained memory: give the weights folder of `filmagent train memory`"
        )
    return {file: read_trained(file) for file in files}
