"""Memento on Wan2.2 as a generator: requests with candidates in, frames out, with what the experts chose.

Everything but memory is the Wan generator's. Source: Wei et al., "Memento" (arXiv 2606.14667), with the released
programme's sampling: 40 UniPC steps at shift 5, guidance 3.5 where a shot continues the take before and 5.0 at cuts.
It films the first shot with a text-to-video model of its own; here the same experts film it, given nothing.
Importing this loads no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from filmagent.generation.limits import TEMPORAL_STRIDE
from filmagent.generation.models.catalogue import MEMENTO_WEIGHTS, WAN_I2V, how_to_get
from filmagent.generation.models.licences import APACHE, MEMENTO
from filmagent.generation.models.shelf import look_up
from filmagent.generation.port import (
    Capabilities,
    FrameSize,
    GeneratedShot,
    GenerationRequest,
    Generator,
    Image,
    Recollection,
)
from filmagent.generation.wan.config import ALL_LINKS, LinkAdapters, ModelCard, Sampling, WanConfig
from filmagent.generation.wan.denoising.remembering import experts_of
from filmagent.generation.wan.generator import ShotInWork, WanStoryMemGenerator
from filmagent.generation.wan.memento.captions import caption_for_memento
from filmagent.generation.wan.memento.quota import Queries, Quota
from filmagent.generation.wan.storymem import NEGATIVE_PROMPT
from filmagent.schemas.memento_story import global_part

if TYPE_CHECKING:
    from torch import Tensor

    from filmagent.generation.wan.memento.shot import MadeShot, Offer, ShotTexts
    from filmagent.generation.wan.models import LoadedModels

ADAPTER = "memento"
"""Name of the released adapters on the experts."""
SHOWN = 8
"""Memory frames that an expert is shown: six by its local queries, two by its global ones, or all by one kind."""
CANDIDATES = 40
"""Room for both experts' eight of the shot before and eight new ones, for photographs, and for shots between."""
CUT_GUIDANCE = 5.0
SAMPLING = Sampling(guidance=3.5, shift=5.0, negative_prompt=NEGATIVE_PROMPT)
HOW_TO_GET = (
    "put Wan-AI/Wan2.2-I2V-A14B-Diffusers or Wan-AI/Wan2.2-I2V-A14B into the folder, and Memento's backbone_high_noise "
    "and backbone_low_noise (ernie-research/Memento; .safetensors or .pth) into its subfolder memento/; or put whole "
    "Memento experts, selector included, into transformer/ and transformer_2/"
)


class WanMementoGenerator(WanStoryMemGenerator):
    """A `Generator` on a folder of Memento's experts, which choose their memory from what they are offered."""

    def __init__(self, config: WanConfig, cut_guidance: float = CUT_GUIDANCE, queries: Queries = "both") -> None:
        """Keep the configuration; nothing is read.

        Args:
            config: the model.
            cut_guidance: guidance scale at cuts.
            queries: which of the experts' queries choose, as in their training.
        """
        super().__init__(config, translate=caption_for_memento)
        self.cut_guidance, self.queries = cut_guidance, queries
        self._made: MadeShot | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, and which models take part."""
        return replace(super().capabilities, memory_candidates=CANDIDATES, draws_identity=True)

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """Everything besides the request that changes the frames. Raises ModelFilesError."""
        # Nothing is said of both, so that films by the released weights stay known.
        alone = {} if self.queries == "both" else {"queries": self.queries}
        return {**super().fingerprint, "guidance_cut": self.cut_guidance, **alone}

    def _load(self) -> LoadedModels:
        from filmagent.generation.wan.memento.checkpoints import load_configured_expert
        from filmagent.generation.wan.models import load_models

        if self._models is None:
            self._models = load_models(self.config, self._placement(), load_configured_expert)
        return self._models

    def _generate(self, request: GenerationRequest, work: ShotInWork) -> GeneratedShot:
        shot = super()._generate(request, work)
        made = self._made
        if made is None:
            return shot
        return replace(shot, chosen=made.chosen, identity=self._identity_picture(made))

    def _identity_picture(self, made: MadeShot) -> Image | None:
        """Decode the identity frame, which is a clip of one frame."""
        if made.identity is None:
            return None
        import torch

        models = self._load()
        with torch.no_grad(), models.precision.context():
            picture = models.pipeline.decode_shot(made.identity)[0, 0]
        drawn: Image = np.rint(picture * 255.0).astype(np.uint8)
        return drawn

    def _denoise(self, request: GenerationRequest, models: LoadedModels, work: ShotInWork) -> Tensor:
        """Return a shot's denoised latents (1, 16, T, h, w), on the CPU."""
        from filmagent.generation.wan.memento.positions import memory_time
        from filmagent.generation.wan.memento.shot import MemoryFrames, encode_memory, encode_sequence, film_shot

        told = request.recollection or Recollection((), start=0, show=SHOWN)
        guidance = self.cut_guidance if request.link == "scene_cut" else self.config.sampling.guidance
        with work.timed("text"):
            texts = self._shot_texts(request, told, models, guided=guidance > 1)
        with work.timed("encode"):
            condition = encode_sequence(models.encoder, request.seam, request.frames, request.size,
                                        texts.identity is not None)
            memory = None
            if request.memory:
                memory = MemoryFrames(
                    encode_memory(models.encoder, request.memory, request.size),
                    tuple(memory_time(each.frame, told.start, TEMPORAL_STRIDE) for each in told.candidates),
                )
        with work.timed("denoise"):
            self._made = film_shot(
                models.pipeline, condition, memory, offers(told, experts_of(models.pipeline)), texts,
                quota=Quota.of(told.show, self.queries),
                steps=self.config.sampling.steps, guidance=guidance,
                guided_by_memory=self.config.sampling.guided_by_memory, seed=request.seed,
                on_step=request.on_step, cancelled=request.cancelled,
            )
        return self._made.latents.cpu()

    def _shot_texts(self, request: GenerationRequest, told: Recollection, models: LoadedModels, *,
                    guided: bool) -> ShotTexts:
        from filmagent.generation.wan.memento.shot import ShotTexts
        from filmagent.generation.wan.texts import PromptFeatures

        words = {"prompt": request.prompt, "story": global_part(request.prompt)}
        if guided:
            words["negative"] = request.negative_prompt or self.config.sampling.negative_prompt
        if told.identity.strip():
            words |= {"identity": told.identity, "nothing": ""}
        self._features = self._features or PromptFeatures(self.config.sampling.max_sequence_length)
        features = dict(zip(words, self._features.of(models, list(words.values())), strict=True))
        return ShotTexts(features["prompt"], features["story"], features.get("negative"), features.get("identity"),
                         features.get("nothing"))


def offers(told: Recollection, experts: Iterable[str]) -> dict[str, Offer]:
    """Return what each expert may choose from: candidates that name nobody are offered to all."""
    from filmagent.generation.wan.memento.shot import Offer

    made = {}
    for expert in experts:
        frames = tuple(index for index, each in enumerate(told.candidates)
                       if not each.experts or expert in each.experts)
        made[expert] = Offer(frames, tuple(index for index in frames if told.candidates[index].pinned))
    return made


def memento_config(
    name: str, folder: Path, released: Path | None, todo: str, *, steps: int | None = None,
    guidance: float | None = None,
) -> WanConfig:
    """Return a configuration of Memento on Wan2.2-I2V-A14B: 832x480, 81 frames at 16 a second.

    Args:
        name: the generator's name.
        folder: Wan2.2-I2V-A14B in diffusers' format or Wan's own.
        released: folder of Memento's released adapter files; None: the experts in `folder` are whole Memento experts.
        todo: what a person does when files are missing.
        steps: denoising steps; None: 40.
        guidance: guidance scale in joins; None: 3.5.
    """
    adapters: tuple[LinkAdapters, ...] = ()
    if released is not None:
        high, low = released / "backbone_high_noise.safetensors", released / "backbone_low_noise.safetensors"
        adapters = (LinkAdapters(ADAPTER, ALL_LINKS, high, low),)
    return WanConfig(
        name=name,
        folder=folder,
        card=ModelCard("Wan2.2-I2V-A14B", APACHE.name, "denoiser, VAE and text encoder"),
        native_size=FrameSize(832, 480),
        max_pixels=832 * 480,
        frames=81,
        fps=16,
        max_memory=SHOWN,
        sampling=replace(SAMPLING, steps=SAMPLING.steps if steps is None else steps,
                         guidance=SAMPLING.guidance if guidance is None else guidance),
        adapters=adapters,
        adapter_card=ModelCard("Memento (LoRA and keyframe queries)", MEMENTO.name, "memory adapters"),
        how_to_get=todo,
    )


def wan_memento(folder: str, *, steps: int | None = None, guidance: float | None = None) -> Generator:
    """Make the generator of Memento on Wan2.2; cheap, since weights load with its first shot.

    Args:
        folder: a model folder, laid out as `filmagent.generation.wan.memento.checkpoints` says. The released files in
            its subfolder `memento` are used when that is there; without it, experts must be whole.
        steps: denoising steps; None: 40.
        guidance: scale for every link; None: 3.5 in joins and 5.0 at cuts.
    """
    home = Path(folder).expanduser()
    released = home / "memento" if (home / "memento").is_dir() else None
    config = memento_config("wan-memento", home, released, HOW_TO_GET, steps=steps, guidance=guidance)
    return WanMementoGenerator(config, CUT_GUIDANCE if guidance is None else guidance)


def wan22_memento(*, steps: int | None = None, guidance: float | None = None) -> Generator:
    """Make the same generator from the files that `filmagent models pull wan2.2-memento` fetched."""
    name = "wan2.2-memento"
    config = memento_config(name, look_up(WAN_I2V).folder, look_up(MEMENTO_WEIGHTS).folder, how_to_get(name),
                            steps=steps, guidance=guidance)
    return WanMementoGenerator(config, CUT_GUIDANCE if guidance is None else guidance)
