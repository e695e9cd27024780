"""Drawn examples as tensors: latents of shot and memory, the condition, text features, by the base's frozen models.

The same encoders and the same layout as when filming. Knows films and models; nothing of losses.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.port import Frames, FrameSize, Image
from filmagent.generation.wan.budget.cost import latent_frames
from filmagent.generation.wan.budget.ladder import ladder_on
from filmagent.generation.wan.compute.precision import choose_precision
from filmagent.generation.wan.compute.quick_vae import speed_up
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.denoising.conditions import ConditionEncoder, pixels
from filmagent.generation.wan.denoising.pipeline import MASK_CHANNELS, WanMemoryPipeline
from filmagent.generation.wan.denoising.schedule import make_scheduler
from filmagent.generation.wan.library import AutoencoderKLWan, AutoTokenizer, UMT5EncoderModel
from filmagent.generation.wan.memento.positions import memory_time
from filmagent.generation.wan.memento.shot import encode_memory
from filmagent.generation.wan.models import LoadedModels
from filmagent.generation.wan.texts import PromptFeatures
from filmagent.generation.wan.weights.checkpoints import files_revision, load_part, tokenizer_folder, weight_files
from filmagent.schemas.memento_story import global_part
from filmagent.training.memory.drawing import Drawn
from filmagent.training.memory.films import TrainingFilm, TrainingShot
from filmagent.training.memory.latents import FrameLatents
from filmagent.training.onestory.augmentation import augment_clip
from filmagent.training.onestory.features import FilmFeatures
from filmagent.training.onestory.judging import Judged, judge

Kind = TypeVar("Kind")
KEPT_BYTES = 1 << 29
"""Of encoded shots and subjects, which are kept while there is room: the next example may show them, too."""


@dataclass(frozen=True)
class Subject:
    """A subject to reconstruct, for each example."""

    clean: Tensor
    """Its picture, (batch, 16, 1, h, w)."""
    condition: Tensor
    """What is known of it: nothing, (batch, 20, 1, h, w)."""
    text: Tensor
    """(batch, tokens, text width)."""


@dataclass(frozen=True)
class Examples:
    """What one forward learns from: one example or more, of one kind."""

    clean: Tensor
    """Latents of the shot (batch, 16, T, h, w)."""
    condition: Tensor
    """Mask and clean latents of what is given of it (batch, 20, T, h, w)."""
    memory: Tensor
    """Clean latents (batch, 16, frames, h, w), oldest first; maybe no frames."""
    times: tuple[tuple[int, ...], ...]
    """Position of each memory frame of each example, negative, as Memento places it."""
    text: Tensor
    """What the expert reads (batch, tokens, text width), perhaps of the empty text."""
    prompt: Tensor
    """What a selector reads, alike: never dropped, as it reads the prompt when filming."""
    story: Tensor
    """Of the prompt's global part, alike."""
    subject: Subject | None
    judged: Judged | None = None
    """OneStory's: what its selector should say of the memory; None where there is none."""
    bypassed: int | None = None
    """OneStory's: seed of the order in which real frames are shown; None: the selector says what is shown."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self.clean)


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

    def __init__(
        self,
        config: WanConfig,
        device: torch.device,
        size: FrameSize,
        frames: int,
        features: FilmFeatures | None = None,
        latents_home: Path | None = None,
    ) -> None:
        """Load VAE, text encoder and tokenizer; `features` judge memory for OneStory. Raises ModelFilesError.

        What memory shows is encoded once where `latents_home` is a folder to keep it in.
        """
        precision = choose_precision(config.precision, device)
        vae = load_part(AutoencoderKLWan, config.folder, "vae", torch.float32)
        vae = speed_up(vae) if device.type == "cpu" else vae.to(device)
        pipeline = WanMemoryPipeline(
            tokenizer=_tokenizer(config),
            text_encoder=load_part(UMT5EncoderModel, config.folder, "text_encoder", precision.expert_dtype),
            vae=vae,
            scheduler=make_scheduler(config.sampling.grid, config.sampling.shift),
        )
        pipeline.set_progress_bar_config(disable=True)
        conditions = ConditionEncoder(pipeline.vae, config.unknown_shows, kept=most_kept(size, frames))
        self._models = LoadedModels(pipeline, conditions, precision, ladder_on(device)[0])
        revision = files_revision(weight_files(config.folder, "vae", config.how_to_get))
        self._latents = FrameLatents(conditions, size, revision, latents_home)
        self._texts = PromptFeatures(config.sampling.max_sequence_length)
        self._size, self._frames, self._features = size, frames, features
        self.precision = precision
        """How the expert's own weights are stored, and what it computes in."""

    def examples(self, films: Sequence[TrainingFilm], drawn: Sequence[Drawn]) -> Examples:
        """Decode and encode examples of one kind, on the device."""
        return joined([self._example(films, each) for each in drawn])

    @torch.no_grad()
    def _example(self, films: Sequence[TrainingFilm], drawn: Drawn) -> Examples:
        film, device = films[drawn.film], self._models.precision.device
        shot, encoder = film.shots[drawn.shot], self._models.encoder
        with self._models.precision.context():
            if self._frames == 1:
                seam, clean = None, self._latents.of(shot, [drawn.first])
            else:
                frames = shot.frames(drawn.first, self._frames)
                seam = frames[: drawn.known] if drawn.known else None
                # A whole shot as its own seam: its latents, encoded together.
                clean = encoder.condition((), frames, self._frames, self._size).latents[:, MASK_CHANNELS:]
            condition = encoder.condition((), seam, self._frames, self._size).latents
            memory = self._memory(films, drawn) if drawn.memory else clean[:, :, :0]
            told = ["" if drawn.without_text else shot.prompt, shot.prompt, global_part(shot.prompt)]
            text, prompt, story = self._texts.of(self._models, told)
            subject = self._subject(film, drawn)
        judged = None
        if self._features is not None and drawn.memory:
            found = judge(self._features, films, drawn)
            judged = Judged(found.origins.to(device), found.labels.to(device))
        return Examples(
            clean=clean.to(device),
            condition=condition.to(device),
            memory=memory.to(device),
            times=(tuple(memory_time(frame, drawn.start) for frame in drawn.filmed),),
            text=text,
            prompt=prompt,
            story=story,
            subject=subject,
            judged=judged,
            bypassed=drawn.bypassed,
        )

    def picture(self, latents: Tensor) -> Image:
        """Decode the first frame of latents (1, 16, T, h, w)."""
        with torch.no_grad(), self._models.precision.context():
            decoded = self._models.pipeline.decode_shot(latents[:, :, :1])[0, 0]
        shown: Image = (decoded * 255).round().astype("uint8")
        return shown

    def _memory(self, films: Sequence[TrainingFilm], drawn: Drawn) -> Tensor:
        """Latents (1, 16, frames, h, w) of an example's memory, in its order; every shot is read once at most."""
        found = []
        by_shot = groupby(drawn.memory, key=lambda place: (place.film, place.shot, place.changed_by))
        for (film, number, changed_by), places in by_shot:
            shot = films[drawn.film if film is None else film].shots[number]
            frames = [place.frame for place in places]
            if changed_by is None:
                found.append(self._latents.of(shot, frames))
            else:
                pictures = changed_pictures(shot, frames, changed_by)
                found.append(encode_memory(self._models.encoder, pictures, self._size))
        return torch.cat(found, dim=2)

    def _subject(self, film: TrainingFilm, drawn: Drawn) -> Subject | None:
        if drawn.target is None:
            return None
        target, device, encoder = film.targets[drawn.target], self._models.precision.device, self._models.encoder
        clean = encode_memory(encoder, [target.picture()], self._size)
        (text,) = self._texts.of(self._models, ["" if drawn.without_text else target.caption])
        nothing = encoder.condition((), None, 1, self._size).latents
        return Subject(clean.to(device), nothing.to(device), text)


def joined(parts: Sequence[Examples]) -> Examples:
    """Put examples of one kind together; of OneStory's seeds the first one counts."""
    return Examples(
        clean=torch.cat([part.clean for part in parts]),
        condition=torch.cat([part.condition for part in parts]),
        memory=torch.cat([part.memory for part in parts]),
        times=tuple(row for part in parts for row in part.times),
        text=torch.cat([part.text for part in parts]),
        prompt=torch.cat([part.prompt for part in parts]),
        story=torch.cat([part.story for part in parts]),
        subject=_together(Subject, [part.subject for part in parts if part.subject is not None]),
        judged=_together(Judged, [part.judged for part in parts if part.judged is not None]),
        bypassed=parts[0].bypassed,
    )


def _together(kind: type[Kind], parts: Sequence[Kind]) -> Kind | None:
    """Put data together whose fields are tensors (batch, ...); None where there are none."""
    if not parts:
        return None
    return kind(*(torch.cat([getattr(part, name) for part in parts]) for name in vars(parts[0])))


def most_kept(size: FrameSize, frames: int) -> int:
    """How many encoded clips fit into `KEPT_BYTES` in float32, if all were as long as a shot of so many frames."""
    a_frame = 4 * 16 * (size.width // 8) * (size.height // 8)
    return max(1, KEPT_BYTES // (a_frame * latent_frames(frames)))


def changed_pictures(shot: TrainingShot, frames: Sequence[int], seed: int) -> list[Image]:
    """Decode frames of a shot, all changed alike."""
    kept = shot.frames(min(frames), max(frames) - min(frames) + 1)
    return list(_changed(np.stack([kept[frame - min(frames)] for frame in frames]), seed))


def _changed(frames: Frames, seed: int) -> Frames:
    """Return frames (F, H, W, 3) all changed alike."""
    clip = augment_clip(random.Random(seed), pixels(frames)[0])
    changed: Frames = ((clip.permute(1, 2, 3, 0) + 1) * 127.5).round().to(torch.uint8).numpy()
    return changed


def _tokenizer(config: WanConfig) -> Any:
    folder = tokenizer_folder(config.folder)
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelFilesError(f"{str(folder)!r} is no tokenizer: {error}") from error
