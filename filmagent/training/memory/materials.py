"""A drawn example as tensors: latents of shot and memory, the condition, text features, by the base's frozen models.

The same encoders and the same layout as when filming. Knows films and models; nothing of losses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.port import FrameSize, Image
from filmagent.generation.wan.checkpoints import load_part, tokenizer_folder
from filmagent.generation.wan.conditions import ConditionEncoder
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.ladder import ladder_on
from filmagent.generation.wan.library import AutoencoderKLWan, AutoTokenizer, UMT5EncoderModel
from filmagent.generation.wan.memento.positions import memory_time
from filmagent.generation.wan.memento.shot import encode_memory
from filmagent.generation.wan.models import LoadedModels
from filmagent.generation.wan.pipeline import MASK_CHANNELS, WanMemoryPipeline
from filmagent.generation.wan.precision import choose_precision
from filmagent.generation.wan.schedule import make_scheduler
from filmagent.generation.wan.texts import PromptFeatures
from filmagent.schemas.memento_story import global_part
from filmagent.training.memory.drawing import Drawn
from filmagent.training.memory.films import TrainingFilm


@dataclass(frozen=True)
class Subject:
    """A subject to reconstruct."""

    clean: Tensor
    """Its picture, (1, 16, 1, h, w)."""
    condition: Tensor
    """What is known of it: nothing, (1, 20, 1, h, w)."""
    text: Tensor
    """(1, tokens, text width)."""


@dataclass(frozen=True)
class Example:
    """What one forward learns from."""

    clean: Tensor
    """Latents of the shot (1, 16, T, h, w)."""
    condition: Tensor
    """Mask and clean latents of what is given of it (1, 20, T, h, w)."""
    memory: Tensor
    """Clean latents (1, 16, frames, h, w), oldest first; maybe no frames."""
    times: tuple[int, ...]
    """Position of each memory frame, negative, as Memento places it."""
    text: Tensor
    """What the expert reads (1, tokens, text width), perhaps of the empty text."""
    prompt: Tensor
    """What a selector reads, alike: never dropped, as it reads the prompt when filming."""
    story: Tensor
    """Of the prompt's global part, alike."""
    subject: Subject | None


def check_prompts(config: WanConfig, films: Sequence[TrainingFilm]) -> None:
    """Look whether every text fits the base; loads its tokenizer alone.

    Raises:
        UsageError: one is longer than the base reads. Nothing is cut silently.
        ModelFilesError: there is no tokenizer.
    """
    tokenizer, limit = _tokenizer(config), config.sampling.max_sequence_length
    for film in films:
        texts = [(f"shot {index + 1}", shot.prompt) for index, shot in enumerate(film.shots)]
        texts += [(f"target {index + 1}", target.caption) for index, target in enumerate(film.targets)]
        for where, text in texts:
            if (length := len(tokenizer(text).input_ids)) > limit:
                raise UsageError(
                    f"{film.name}, {where}: the caption has {length} tokens, {config.name} reads {limit}: "
                    f"shorten {text[:60]!r}..."
                )


class Materials:
    """The frozen models of a base, and films through their eyes."""

    def __init__(self, config: WanConfig, device: torch.device, size: FrameSize, frames: int) -> None:
        """Load VAE, text encoder and tokenizer. Raises ModelFilesError."""
        precision = choose_precision(config.precision, device)
        pipeline = WanMemoryPipeline(
            tokenizer=_tokenizer(config),
            text_encoder=load_part(UMT5EncoderModel, config.folder, "text_encoder", precision.expert_dtype),
            vae=load_part(AutoencoderKLWan, config.folder, "vae", torch.float32).to(device),
            scheduler=make_scheduler(config.sampling.grid, config.sampling.shift),
        )
        pipeline.set_progress_bar_config(disable=True)
        self._models = LoadedModels(pipeline, ConditionEncoder(pipeline.vae), precision, ladder_on(device)[0])
        self._texts = PromptFeatures(config.sampling.max_sequence_length)
        self._size, self._frames = size, frames
        self.dtype = precision.expert_dtype
        """The type that the expert's own weights are stored in."""

    @torch.no_grad()
    def example(self, films: Sequence[TrainingFilm], drawn: Drawn) -> Example:
        """Decode and encode an example, on the device."""
        film, device = films[drawn.film], self._models.precision.device
        shot, encoder = film.shots[drawn.shot], self._models.encoder
        frames = shot.frames(drawn.first, self._frames)
        with self._models.precision.context():
            seam = frames[: drawn.known] if drawn.known else None
            condition = encoder.condition((), seam, self._frames, self._size).latents
            # A whole shot as its own seam: its latents, encoded together.
            clean = encoder.condition((), frames, self._frames, self._size).latents[:, MASK_CHANNELS:]
            pictures = self._memory(film, drawn)
            memory = encode_memory(encoder, pictures, self._size) if pictures else clean[:, :, :0]
            told = ["" if drawn.without_text else shot.prompt, shot.prompt, global_part(shot.prompt)]
            text, prompt, story = self._texts.of(self._models, told)
            subject = self._subject(film, drawn)
        times = tuple(memory_time(frame, drawn.start) for frame in drawn.filmed)
        return Example(clean.to(device), condition.to(device), memory.to(device), times, text, prompt, story, subject)

    def picture(self, latents: Tensor) -> Image:
        """Decode the first frame of latents (1, 16, T, h, w)."""
        with torch.no_grad(), self._models.precision.context():
            decoded = self._models.pipeline.decode_shot(latents[:, :, :1])[0, 0]
        shown: Image = (decoded * 255).round().astype("uint8")
        return shown

    def _memory(self, film: TrainingFilm, drawn: Drawn) -> list[Image]:
        return [film.shots[place.shot].frames(place.frame, 1)[0] for place in drawn.memory]

    def _subject(self, film: TrainingFilm, drawn: Drawn) -> Subject | None:
        if drawn.target is None:
            return None
        target, device, encoder = film.targets[drawn.target], self._models.precision.device, self._models.encoder
        clean = encode_memory(encoder, [target.picture()], self._size)
        (text,) = self._texts.of(self._models, ["" if drawn.without_text else target.caption])
        nothing = encoder.condition((), None, 1, self._size).latents
        return Subject(clean.to(device), nothing.to(device), text)


def _tokenizer(config: WanConfig) -> Any:
    folder = tokenizer_folder(config.folder)
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelFilesError(f"{str(folder)!r} is no tokenizer: {error}") from error
