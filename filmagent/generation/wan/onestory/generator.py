"""OneStory as a generator: requests with all earlier frames in, frames out, with what the experts chose.

Everything but memory is the Wan generator's, so any Wan-class model with a memory file can film this way. The paper
names no sampling: that of Wan2.2's image-to-video experts is taken. Source: An et al., "OneStory" (arXiv 2512.07802).
Importing this loads no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from filmagent.errors import ModelFilesError
from filmagent.generation.costs import MemoryFit, ShotCost, ShotShape
from filmagent.generation.limits import TEMPORAL_STRIDE
from filmagent.generation.models.licences import APACHE
from filmagent.generation.port import (
    Capabilities,
    FrameSize,
    GeneratedShot,
    GenerationRequest,
    Generator,
    Recollection,
)
from filmagent.generation.wan.captions import caption_for_wan
from filmagent.generation.wan.config import LinkAdapters, ModelCard, Sampling, WanConfig
from filmagent.generation.wan.generator import ShotInWork, Translate, WanStoryMemGenerator
from filmagent.generation.wan.identity import Identity
from filmagent.generation.wan.onestory.checkpoints import (
    load_onestory_expert,
    load_shaped_expert,
    memory_files,
    read_header,
)
from filmagent.generation.wan.onestory.shape import MemoryShape
from filmagent.generation.wan.storymem import NEGATIVE_PROMPT

if TYPE_CHECKING:
    from torch import Tensor

    from filmagent.generation.wan.budget.footprint import Footprint
    from filmagent.generation.wan.models import LoadedModels
    from filmagent.generation.wan.onestory.shot import MadeShot

CANDIDATES = 256
"""Earlier frames that the selector ranks at once: eight of each of 32 shots."""
SAMPLING = Sampling(guidance=3.5, shift=5.0, negative_prompt=NEGATIVE_PROMPT)
"""Wan2.2-I2V-A14B's own."""
HOW_TO_GET = (
    "put Wan-AI/Wan2.2-I2V-A14B-Diffusers into the folder, and a memory trained for it into its subfolder onestory/ "
    "(transformer.safetensors, transformer_2.safetensors); no weights of OneStory are published"
)


@dataclass(frozen=True)
class KnownMemory:
    """A memory that lies elsewhere than in its base's folder, and was found to belong to the base."""

    files: LinkAdapters
    shape: MemoryShape


class WanOneStoryGenerator(WanStoryMemGenerator):
    """A `Generator` on a folder of Wan experts with OneStory's memory, which choose from what they are offered."""

    def __init__(
        self, config: WanConfig, translate: Translate = caption_for_wan, memory: KnownMemory | None = None
    ) -> None:
        """Keep the configuration, which has no adapters; nothing is read. None: memory of the folder's `onestory/`."""
        super().__init__(config, translate)
        self._known = memory
        two = config.sampling.boundary_ratio is not None
        files = memory_files(config.folder, two) if memory is None else memory.files
        self._with_memory = replace(config, adapters=(files,))
        self._identity = Identity(self._with_memory)
        self._shape = None if memory is None else memory.shape
        self._made: MadeShot | None = None

    @property
    def memory_shape(self) -> MemoryShape:
        """What the memory is built of, from the header of its file.

        Raises:
            ModelFilesError: a memory file is missing or broken, or two experts have different ones.
        """
        if self._shape is None:
            files = self._with_memory.adapters[0]
            shapes = [
                read_header(file, self.config.how_to_get).shape
                for file in (files.high_noise, files.low_noise)
                if file is not None
            ]
            if len(set(shapes)) > 1:
                raise ModelFilesError(
                    f"the two memory files in {str(files.high_noise.parent)!r} are of different "
                    f"sizes: {self.config.how_to_get}"
                )
            self._shape = shapes[0]
        return self._shape

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, and which models take part; without memory files, what a memory of usual size could do."""
        try:
            shape = self.memory_shape
        except ModelFilesError:
            shape = MemoryShape()
        return replace(super().capabilities, max_memory=shape.shown.frames, memory_candidates=CANDIDATES)

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """Everything besides the request that changes the frames. Raises ModelFilesError."""
        return {**super().fingerprint, "memory": "onestory"}

    def cost(self, shape: ShotShape) -> ShotCost:
        """Return a shot's arithmetic: memory takes the tokens of its budget, however many frames share them."""
        return super().cost(self._as_budgeted(shape))

    def fit(self, shape: ShotShape) -> MemoryFit:
        """Return the rung of the memory ladder that shots are made on, and the estimated peak of this one."""
        return super().fit(self._as_budgeted(shape))

    def _as_budgeted(self, shape: ShotShape) -> ShotShape:
        return replace(shape, memory=min(shape.memory, self.memory_shape.shown.latent_frames))

    def _footprint(self) -> Footprint:
        from filmagent.generation.wan.budget.footprint import footprint_of

        if self._measured is None:
            most = self.memory_shape.shown.latent_frames
            self._measured = footprint_of(replace(self._with_memory, max_memory=most))
        return self._measured

    def _load(self) -> LoadedModels:
        from filmagent.generation.wan.models import load_models

        if self._models is None:
            known = self._known
            load = load_onestory_expert if known is None else partial(load_shaped_expert, shape=known.shape)
            self._models = load_models(self._with_memory, self._placement(), load)
        return self._models

    def _generate(self, request: GenerationRequest, work: ShotInWork) -> GeneratedShot:
        shot = super()._generate(request, work)
        return shot if self._made is None else replace(shot, chosen=self._made.chosen)

    def _denoise(self, request: GenerationRequest, models: LoadedModels, work: ShotInWork) -> Tensor:
        """Return a shot's denoised latents (1, 16, T, h, w), on the CPU."""
        from filmagent.generation.wan.memento.positions import memory_time
        from filmagent.generation.wan.memento.shot import encode_memory
        from filmagent.generation.wan.onestory.shot import EarlierFrames, film_shot
        from filmagent.generation.wan.texts import PromptFeatures

        sampling, texts = self._sampling(request), [request.prompt]
        told = request.recollection or Recollection((), start=0, show=0)
        if sampling.guidance > 1:
            texts.append(request.negative_prompt or sampling.negative_prompt)
        with work.timed("text"):
            self._features = self._features or PromptFeatures(sampling.max_sequence_length)
            features = self._features.of(models, texts)
        with work.timed("encode"):
            condition = models.encoder.condition((), request.seam, request.frames, request.size)
            memory = None
            if request.memory:
                memory = EarlierFrames(
                    encode_memory(models.encoder, request.memory, request.size),
                    tuple(memory_time(each.frame, told.start, TEMPORAL_STRIDE) for each in told.candidates),
                    told.candidates,
                    told.show,
                )
        with work.timed("denoise"):
            self._made = film_shot(
                models.pipeline,
                condition,
                memory,
                features,
                sampling=sampling,
                seed=request.seed,
                on_step=request.on_step,
                cancelled=request.cancelled,
            )
        return self._made.latents.cpu()


def wan_onestory(folder: str, *, steps: int | None = None, guidance: float | None = None) -> Generator:
    """Make the generator of OneStory on Wan2.2-I2V-A14B: 832x480, 81 frames at 16 a second.

    Args:
        folder: Wan2.2-I2V-A14B in diffusers' format, with the memory of both experts in its subfolder `onestory`.
        steps: denoising steps; None: 40.
        guidance: scale for both experts; None: 3.5.
    """
    config = WanConfig(
        name="wan-onestory",
        folder=Path(folder).expanduser(),
        card=ModelCard("Wan2.2-I2V-A14B", APACHE.name, "denoiser, VAE and text encoder"),
        native_size=FrameSize(832, 480),
        max_pixels=832 * 480,
        frames=81,
        fps=16,
        max_memory=MemoryShape().shown.frames,
        sampling=replace(
            SAMPLING,
            steps=SAMPLING.steps if steps is None else steps,
            guidance=SAMPLING.guidance if guidance is None else guidance,
        ),
        adapter_card=ModelCard("OneStory memory", APACHE.name, "frame selector and adaptive conditioner"),
        how_to_get=HOW_TO_GET,
    )
    return WanOneStoryGenerator(config)
