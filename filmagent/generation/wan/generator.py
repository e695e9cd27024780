"""The generator of the Wan family: requests in, frames out, StoryMem's way.

Loads its models with the first shot, from a local folder in diffusers' format. Knows nothing of stories beyond the
caption it translates, and nothing of runs, critics or memory policies. Importing this loads no torch.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from filmagent.errors import GenerationError, ModelFilesError
from filmagent.generation.limits import check_request
from filmagent.generation.port import Capabilities, Frames, GeneratedShot, GenerationRequest, ShotPrompt
from filmagent.generation.wan.captions import caption_for_wan
from filmagent.generation.wan.config import WanConfig
from filmagent.schemas.story import SEAM_FRAMES, Shot, Story

if TYPE_CHECKING:
    from torch import Tensor

    from filmagent.generation.wan.models import LoadedModels

log = logging.getLogger(__name__)

Translate = Callable[[Story, Shot], ShotPrompt]
CACHED_PROMPTS = 16
NOT_INSTALLED = "not installed"


class WanStoryMemGenerator:
    """A `Generator` on a folder of Wan models. One shot at a time; safe to share between threads."""

    def __init__(self, config: WanConfig, translate: Translate = caption_for_wan) -> None:
        """Keep the configuration; nothing is read. `translate` says a caption in the words the model was trained on."""
        self.config = config
        self._translate = translate
        self._models: LoadedModels | None = None
        self._revision: str | None = None
        self._prompts: OrderedDict[str, Tensor] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, and which models take part; `not installed` for files that are not there."""
        config = self.config
        try:
            revision = self._weights_revision()
        except ModelFilesError:
            revision = NOT_INSTALLED
        cards = (config.card,) if config.adapter_card is None else (config.card, config.adapter_card)
        return Capabilities(
            name=config.name,
            links=config.links,
            native_size=config.native_size,
            size_multiple=config.size_multiple,
            max_pixels=config.max_pixels,
            frames=config.frames,
            fps=config.fps,
            max_memory=config.max_memory,
            models=tuple(card.at(revision) for card in cards),
            max_frames=config.max_frames,
            delivery_scale=config.delivery_scale,
        )

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """Everything besides the request that changes the frames.

        Raises:
            ModelFilesError: the files that give the revision are missing or broken.
        """
        from filmagent.generation.wan.models import device_here
        from filmagent.generation.wan.precision import choose_precision

        sampling = self.config.sampling
        return {
            "generator": self.config.name,
            "weights": self._weights_revision(),
            "steps": sampling.steps,
            "guidance": sampling.guidance,
            "guidance_2": sampling.guidance if sampling.guidance_2 is None else sampling.guidance_2,
            "shift": sampling.shift,
            "grid": sampling.grid,
            "boundary": -1.0 if sampling.boundary_ratio is None else sampling.boundary_ratio,
            "memory_stride": sampling.memory_stride,
            "negative_prompt": sampling.negative_prompt,
            "precision": choose_precision(self.config.precision, device_here()).name,
        }

    def translate(self, story: Story, shot: Shot) -> ShotPrompt:
        """Say a shot's caption in this model's words."""
        return self._translate(story, shot)

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        """Make one shot; the overlap with the take before is dropped already.

        Raises:
            UsageError: the request cannot be made; found before anything is loaded.
            ModelFilesError: model files are missing or broken.
            GenerationError: out of memory, or broken weights.
            GenerationCancelledError: `request.cancelled` said so.
        """
        check_request(self.capabilities, request)
        with self._lock, _memory_errors_explained(request):
            return self._generate(request)

    def _generate(self, request: GenerationRequest) -> GeneratedShot:
        import torch

        from filmagent.generation.wan.models import use_link

        seconds: dict[str, float] = {}
        with _timed(seconds, "load"):
            models = self._load()
        use_link(self.config, models, request.link)
        sampling, pipeline = self.config.sampling, models.pipeline
        with torch.no_grad(), models.precision.context():
            with _timed(seconds, "text"):
                prompt = self._text(models, request.prompt)
                negative = self._text(models, request.negative_prompt or sampling.negative_prompt)
            with _timed(seconds, "encode"):
                condition = models.encoder.condition(request.memory, request.seam, request.frames, request.size)
            last_step = started = time.perf_counter()

            def on_step(step: int, steps: int) -> None:
                nonlocal last_step
                last_step = time.perf_counter()
                request.on_step(step, steps)

            video = pipeline.make_shot(
                condition,
                prompt_embeds=prompt,
                negative_prompt_embeds=negative if sampling.guidance > 1 else None,
                steps=sampling.steps,
                guidance=sampling.guidance,
                guidance_2=sampling.guidance_2,
                memory_stride=sampling.memory_stride,
                generator=torch.Generator().manual_seed(request.seed),
                on_step=on_step,
                cancelled=request.cancelled,
            )
        seconds["denoise"], seconds["decode"] = last_step - started, time.perf_counter() - last_step
        if not np.isfinite(video).all():
            raise GenerationError("the decoder made values that are no numbers: fetch the VAE's files again")
        frames: Frames = np.rint(video[0] * 255.0).astype(np.uint8)
        return GeneratedShot(
            frames=frames[SEAM_FRAMES[request.link] :],
            seconds={stage: round(value, 3) for stage, value in seconds.items()},
        )

    def _load(self) -> LoadedModels:
        from filmagent.generation.wan.models import load_models

        if self._models is None:
            self._models = load_models(self.config)
        return self._models

    def _text(self, models: LoadedModels, text: str) -> Tensor:
        """Return a prompt's features (1, tokens, width); the latest few prompts are remembered."""
        if text not in self._prompts:
            limit, pipeline = self.config.sampling.max_sequence_length, models.pipeline
            length = len(pipeline.tokenizer(text).input_ids)
            if length > limit:
                raise GenerationError(
                    f"the prompt has {length} tokens, {self.config.name} reads {limit}: shorten {text[:60]!r}..."
                )
            self._prompts[text], _ = pipeline.encode_prompt(
                text, do_classifier_free_guidance=False, max_sequence_length=limit
            )
            while len(self._prompts) > CACHED_PROMPTS:
                self._prompts.popitem(last=False)
        self._prompts.move_to_end(text)
        return self._prompts[text]

    def _weights_revision(self) -> str:
        if self._revision is None:
            from filmagent.generation.wan.checkpoints import revision_of

            self._revision = revision_of(self.config)
        return self._revision


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - started


@contextmanager
def _memory_errors_explained(request: GenerationRequest) -> Iterator[None]:
    """Say what a person can do when memory runs out; everything else passes."""
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(request, error) from error
    except RuntimeError as error:
        if "allocate memory" not in str(error):  # torch's CPU allocator has no class of its own
            raise
        raise _out_of_memory(request, error) from error


def _out_of_memory(request: GenerationRequest, error: Any) -> GenerationError:
    return GenerationError(
        f"out of memory at {request.size}, {request.frames} frames, {len(request.memory)} memory frames "
        f"({str(error)[:120]}): lower the size, the length or the memory"
    )
