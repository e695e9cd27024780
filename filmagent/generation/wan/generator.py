"""The generator of the Wan family: requests in, frames out, StoryMem's way.

Loads its models with the first shot, from a local folder in diffusers' format. Knows nothing of stories beyond the
caption it translates, and nothing of runs, critics or memory policies. Importing this loads no torch.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from filmagent.errors import GenerationError, ModelFilesError
from filmagent.generation.costs import MachineRate, MemoryFit, ShotCost, ShotShape
from filmagent.generation.limits import check_request
from filmagent.generation.port import Capabilities, Frames, GeneratedShot, GenerationRequest, ShotPrompt
from filmagent.generation.wan.captions import caption_for_wan
from filmagent.generation.wan.config import Sampling, WanConfig
from filmagent.generation.wan.identity import Identity
from filmagent.schemas.story import SEAM_FRAMES, Shot, Story

if TYPE_CHECKING:
    from torch import Tensor

    from filmagent.generation.wan.budget.footprint import Footprint
    from filmagent.generation.wan.models import LoadedModels, Placement
    from filmagent.generation.wan.texts import PromptFeatures

log = logging.getLogger(__name__)

Translate = Callable[[Story, Shot], ShotPrompt]


@dataclass
class ShotInWork:
    """What is known of a shot while it is tried, rung after rung."""

    stage: str = "load"
    seconds: dict[str, float] = field(default_factory=dict)
    latents: Tensor | None = None
    """The denoised shot, once it is there: where the next rung denoises alike, only decoding is tried again."""
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Measure a stage, and remember that it is the one at work."""
        self.stage, started = stage, time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - started


class WanStoryMemGenerator:
    """A `Generator` on a folder of Wan models. One shot at a time; safe to share between threads."""

    def __init__(self, config: WanConfig, translate: Translate = caption_for_wan) -> None:
        """Keep the configuration; nothing is read. `translate` says a caption in the words the model was trained on."""
        self.config = config
        self._identity = Identity(config)
        self._translate = translate
        self._models: LoadedModels | None = None
        self._made_faster: LoadedModels | None = None
        self._budget: int | None = None
        self._placed: Placement | None = None
        self._measured: Footprint | None = None
        self._features: PromptFeatures | None = None
        self._lock = threading.RLock()
        self._make_room: Callable[[], object] = lambda: None

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, and which models take part; `not installed` for files that are not there."""
        config = self.config
        return Capabilities(
            name=config.name,
            links=config.links,
            native_size=config.native_size,
            size_multiple=config.size_multiple,
            max_pixels=config.max_pixels,
            frames=config.frames,
            fps=config.fps,
            max_memory=config.max_memory,
            models=self._identity.models,
            max_frames=config.max_frames,
            delivery_scale=config.delivery_scale,
            joins_remember=config.filming is None,
        )

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """Everything besides the request that changes the frames.

        Raises:
            ModelFilesError: the files that give the revision are missing or broken.
        """
        known, placement = self._identity.fingerprint, self._placement()
        rung = {} if placement.rung.exact else {"memory_rung": placement.rung.name}
        return {**rung, **known, "precision": placement.precision.name}

    def translate(self, story: Story, shot: Shot) -> ShotPrompt:
        """Say a shot's caption in this model's words."""
        return self._translate(story, shot)

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        """Make one shot; the overlap with the take before is dropped already.

        When memory runs out, the next rung of the memory ladder is taken and the same shot is gone on with; the
        shot's notes say so.

        Raises:
            UsageError: the request cannot be made; found before anything is loaded.
            ModelFilesError: model files are missing or broken.
            GenerationError: out of memory on the last rung, or broken weights.
            GenerationCancelledError: `request.cancelled` said so.
        """
        from filmagent.generation.wan.budget.ladder import memory_trouble

        check_request(self.capabilities, request)
        self._make_room()
        with self._lock:
            work = ShotInWork()
            while True:
                started = time.perf_counter()
                try:
                    return self._generate(request, work)
                except (RuntimeError, MemoryError, ModelFilesError) as error:
                    trouble = memory_trouble(error)
                    if trouble is None:
                        raise
                # Out here the error is gone, and with it the tensors that its frames held.
                work.seconds["lost"] = work.seconds.get("lost", 0.0) + time.perf_counter() - started
                self._step_down(request, work, trouble)

    def expect(self, prompts: Sequence[str]) -> None:
        """Encode these along with the next prompt that is new: the text encoder then visits the card once a film."""
        from filmagent.generation.wan.texts import PromptFeatures

        with self._lock:
            self._features = self._features or PromptFeatures(self.config.sampling.max_sequence_length)
            self._features.expect(prompts)

    def prepare(self, request: GenerationRequest) -> None:
        """Encode the clip that a shot starts from. Does nothing before the models are loaded for a shot."""
        import torch

        from filmagent.generation.wan.budget.ladder import use_tiles

        with self._lock:
            models = self._models
            if models is None or request.cancelled():
                return
            try:
                use_tiles(models.pipeline.vae, models.rung, request.size.width, request.size.height)
                with torch.no_grad(), models.precision.context():
                    models.encoder.condition((), request.seam, request.frames, request.size)
            except (RuntimeError, MemoryError):
                self._give_up_models()  # hooks that an error interrupted are not trusted
                raise

    def keep_within(self, budget_bytes: int) -> None:
        """Plan with at most this much memory; the models are loaded anew for the next shot."""
        with self._lock:
            self._budget, self._placed = budget_bytes, None
            self.let_go()

    def let_go(self) -> None:
        """Give up the models that are loaded: something else needs the room. The next shot loads them anew."""
        with self._lock:
            if self._models is not None:
                self._give_up_models()

    def cost(self, shape: ShotShape) -> ShotCost:
        """Return a shot's arithmetic, from the files' headers; what a cache will skip is not known before."""
        from filmagent.generation.wan.fast.foretold import cost_at_speed

        return cost_at_speed(self._footprint(), shape)

    def fit(self, shape: ShotShape) -> MemoryFit:
        """Return the rung of the memory ladder that shots are made on, and the estimated peak of this one."""
        from filmagent.generation.wan.models import peak_bytes

        placement = self._placement()
        peak = peak_bytes(self._laden_footprint(), placement.rung, shape, placement.precision)
        return MemoryFit(placement.rung.name, placement.rung.says, peak, placement.room)

    def machine(self) -> str:
        """Return device, precision, rung, speed options: shots of one size take equally long where these are equal."""
        from filmagent.generation.wan.budget.rate import device_name

        placement = self._placement()
        where = (device_name(placement.precision.device), placement.precision.name, placement.rung.name)
        return ", ".join((*where, *filter(None, (self.config.speed.name,))))

    def measure(self) -> MachineRate:
        """Multiply matrices for about half a second."""
        from filmagent.generation.wan.budget.rate import matmul_rate

        return matmul_rate(self._placement().precision)

    def model_bytes(self) -> int:
        """Return how much disk the weights take."""
        return self._footprint().files_bytes

    def _generate(self, request: GenerationRequest, work: ShotInWork) -> GeneratedShot:
        import torch

        from filmagent.generation.wan.budget.ladder import use_tiles
        from filmagent.generation.wan.fast.distilled import use_distilled
        from filmagent.generation.wan.models import use_link

        with work.timed("load"):
            models = self._ready()
        use_link(self.config, models, request.link)
        if self.config.distilled is not None:
            use_distilled(models.pipeline.experts(), self.config.distilled)
        use_tiles(models.pipeline.vae, models.rung, request.size.width, request.size.height)
        with torch.no_grad(), models.precision.context():
            if work.latents is None:
                work.latents = self._denoise(request, models, work)
            with work.timed("decode"):
                video = models.pipeline.decode_shot(work.latents)
        if not np.isfinite(video).all():
            raise GenerationError("the decoder made values that are no numbers: fetch the VAE's files again")
        frames: Frames = np.rint(video[0] * 255.0).astype(np.uint8)
        where = () if models.rung.name == "resident" else (f"memory rung {models.rung.name}: {models.rung.says}",)
        return GeneratedShot(
            frames=frames[SEAM_FRAMES[request.link] :],
            seconds={stage: round(value, 3) for stage, value in work.seconds.items()},
            machine=self.machine(),
            notes=(*work.notes, *where, *self._identity.speed_notes),
        )

    def _sampling(self, request: GenerationRequest) -> Sampling:
        """Return how this shot is denoised; a generator that films its links differently says so here."""
        return self.config.sampling

    def _denoise(self, request: GenerationRequest, models: LoadedModels, work: ShotInWork) -> Tensor:
        """Return a shot's denoised latents (1, 16, T, h, w), on the CPU."""
        import torch

        from filmagent.generation.wan.texts import PromptFeatures

        sampling, texts = self._sampling(request), [request.prompt]
        if sampling.guidance > 1:
            texts.append(request.negative_prompt or sampling.negative_prompt)
        with work.timed("text"):
            self._features = self._features or PromptFeatures(sampling.max_sequence_length)
            features = self._features.of(models, texts)
        with work.timed("encode"):
            condition = models.encoder.condition(request.memory, request.seam, request.frames, request.size)
        with work.timed("denoise"):
            latents: Tensor = models.pipeline.make_shot(
                condition,
                prompt_embeds=features[0],
                negative_prompt_embeds=features[1] if sampling.guidance > 1 else None,
                steps=sampling.steps,
                guidance=sampling.guidance,
                guidance_2=sampling.guidance_2,
                guided_by_memory=sampling.guided_by_memory,
                memory_stride=sampling.memory_stride,
                generator=torch.Generator().manual_seed(request.seed),
                output_type="latent",
                on_step=request.on_step,
                cancelled=request.cancelled,
            ).cpu()
        return latents

    def _step_down(self, request: GenerationRequest, work: ShotInWork, trouble: str) -> None:
        """Give up the models and take the next rung. Raises GenerationError when there is none."""
        from filmagent.generation.wan.budget.ladder import ladder_on, next_rung, rungs_for

        placement = self._placement()
        ladder = rungs_for(ladder_on(placement.precision.device), compiled=self.config.speed.compiled)
        below = None if work.latents is None else next_rung(ladder, placement.rung, alike=True)
        if below is None:
            # A take is named by the rung that it ends on: latents of weights that were rounded otherwise are given up.
            work.latents, below = None, next_rung(ladder, placement.rung)
        self._give_up_models()
        why = f"out of memory ({work.stage}: {trouble})"
        if below is None:
            raise GenerationError(
                f"{why} at {request.size}, {request.frames} frames, {len(request.memory)} memory frames, on the last "
                f"rung of the memory ladder ({placement.rung.name}): lower the size, the length or the memory"
            )
        note = f"{why}: memory rung {placement.rung.name} -> {below.name}, {below.says}"
        log.warning(note)
        work.notes.append(note)
        self._placed = replace(placement, rung=below, needed=0)

    def _give_up_models(self) -> None:
        import torch

        self._models = self._made_faster = None
        gc.collect()
        torch.cuda.empty_cache()

    def _ready(self) -> LoadedModels:
        """Return the models, loaded and with the speed options on them."""
        from filmagent.generation.wan.fast.setup import make_faster

        models = self._load()
        if self._made_faster is not models:
            make_faster(models, self.config)
            self._made_faster = models
        return models

    def _load(self) -> LoadedModels:
        from filmagent.generation.wan.fast.setup import with_distilled
        from filmagent.generation.wan.models import load_adapted_expert, load_models

        if self._models is None:
            self._identity.check_few_step()  # before the first expert is read
            self._placement().check_budget()
            self._models = load_models(self.config, self._placement(), with_distilled(load_adapted_expert))
        return self._models

    def _placement(self) -> Placement:
        """Return where the models lie or are going to, decided once."""
        from filmagent.generation.wan.models import choose_placement

        if self._placed is None:
            self._placed = choose_placement(self._laden_footprint(), self._budget)
        return self._placed

    def _laden_footprint(self) -> Footprint:
        """Return the sizes of everything that is loaded, the few-step adapter among it."""
        from filmagent.generation.wan.fast.foretold import with_few_step

        return with_few_step(self._footprint())

    def _footprint(self) -> Footprint:
        from filmagent.generation.wan.budget.footprint import footprint_of
        from filmagent.generation.wan.weights.fitting import check_experts_see

        if self._measured is None:
            measured = footprint_of(self.config)
            check_experts_see(self.config, measured.shape)
            self._measured = measured
        return self._measured
