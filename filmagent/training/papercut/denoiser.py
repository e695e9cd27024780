"""Builds the small WanTransformer3DModel and the loss that trains it on cached latents with memory. Knows no pixels.

A training example is laid out as the memory pipeline samples it: keyframes of other shots of the story in front
along latent time, clean in the condition, noise on their noise channels, one timestep for all, loss on the shot.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from filmagent.generation.wan.denoising.rope import install_memory_rope, memory_positions
from filmagent.generation.wan.library import WanTransformer3DModel
from filmagent.training.papercut.captions import Said, said
from filmagent.training.papercut.excerpts import AT_ONCE, Excerpt, Wanted, anchor, draw_steps, whole
from filmagent.training.papercut.latent_reader import LatentReader, unlikeness
from filmagent.training.papercut.latents import Clip, Keyframe, StoryLatents
from filmagent.training.papercut.machine import autocast, plain_attention
from filmagent.training.papercut.some_tokens import (
    ChosenTokens,
    KeptTokens,
    choose_tokens,
    flow_of_tokens,
    tokens_of,
    video_of,
)
from filmagent.training.papercut.text import MAX_WORDS
from filmagent.training.papercut.truth import UNKNOWN, TruthHeads, body_coordinates, labels

SHIFT = 5.0
"""How far a film's noise levels are moved towards noise."""
MEMORY_STRIDE = 5
MASK_CHANNELS = 4


@dataclass(frozen=True)
class NoiseLevels:
    """How far the noise levels that are practised are moved towards noise.

    Paper is flat: where noise is half of a picture, a half-trained model sees all that is in it, and at 0.85 most of
    it. So shapes are learned above that first; what is fine, such as stripes, is drawn below and practised later.
    """

    shift: float = SHIFT
    shift_from_frames: float = 7.0
    """Of what is filmed on from frames: what is left to find out first is where things have gone."""
    shift_from_words: float = 30.0
    """Of a share of the pictures: so much that words and memory alone must do."""
    from_words_share: float = 0.4
    """That share, from 0 to 1."""


@dataclass(frozen=True)
class Mixture:
    """How examples are made from stories."""

    levels: NoiseLevels = field(default_factory=NoiseLevels)
    memory_for_first_stills: tuple[int, ...] = (0, 0, 0, 1)
    memory_for_stills: tuple[int, ...] = (0, 1, 2, 2, 3, 3, 5)
    """Few different counts: every one is a shape that compiled blocks are compiled for. What is filmed on remembers the
    shot's first picture alone, in a film, too: nearly everything is in it."""
    moving_weight: float = 3.0
    """How many times as often a shot in which somebody or the camera moves is asked for as one that holds still: to
    hold still is learned in a few hundred steps."""
    figures_weight: tuple[float, ...] = (0.4, 1.0, 2.0, 2.0)
    """How often a picture is asked for in which so many figures are: who is whose memory is what is hard to tell."""
    attributes_with_memory: float = 0.25
    attributes_without_memory: float = 0.9
    layout_with_memory: float = 0.2
    layout_without_memory: float = 0.7
    swept_share: float = 0.25
    """Share of the steps of filming on that learn under a moving camera."""
    first_share: float = 0.4
    """Share of them that learn what comes behind a picture alone, which is how every shot begins."""
    text_dropped: float = 0.1
    figure_weight: float = 6.0
    truth_weight: float = 0.2
    words_weight: float = 0.1
    looks_weight: float = 0.0
    """How much it counts what a reader of latents finds unlike in the picture that is foreseen."""
    looks_below: float = 0.7
    """Asked only where less noise than this leaves something to see; above, the best guess is a mean of pictures."""
    looks_above: float = 0.2
    """Less noise than this share counts as if it were as much."""


@dataclass(frozen=True)
class Example:
    """What is asked for, and the keyframes that it is shown."""

    excerpt: Excerpt
    keyframes: tuple[Keyframe, ...]


@dataclass(frozen=True)
class Batch:
    """Clean latents [B, 16, M + T, h, w] memory in front; what the model is told, the loss's weights, the truth."""

    clean: Tensor
    mask: Tensor
    condition: Tensor
    weight: Tensor
    """Of every latent cell [B, 1, M + T, h, w]; nothing is asked of memory and of what is known, where it is 0."""
    figures: Tensor
    """Whether a token shows a figure [B, M + T, tokens of a frame]."""
    truth: Tensor
    """Labels of every token [B, questions, tokens], from `truth.labels`."""
    body: Tensor
    """Where on its figure every token is [B, 2, tokens], from `truth.body_coordinates`; NaN where nobody asks."""
    said: tuple[Said, ...]
    memory: int
    known: Tensor
    """Known latent frames of every example [B]."""
    kept: KeptTokens
    """How much of it a step looks at."""

    def to(self, device: str) -> Batch:
        """The same batch on a device."""
        return Batch(
            clean=self.clean.to(device),
            mask=self.mask.to(device),
            condition=self.condition.to(device),
            weight=self.weight.to(device),
            figures=self.figures.to(device),
            truth=self.truth.to(device),
            body=self.body.to(device),
            said=self.said,
            memory=self.memory,
            known=self.known.to(device),
            kept=self.kept,
        )


def build_denoiser(
    width: int = 256, layers: int = 8, text_width: int = 128, inner_width: int = 2048
) -> WanTransformer3DModel:
    """A small denoiser of Wan2.2's image-to-video class: 36 channels in, 16 out; `inner_width` is its blocks' MLPs'."""
    denoiser = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=4,
        attention_head_dim=width // 4,
        in_channels=36,
        out_channels=16,
        text_dim=text_width,
        freq_dim=128,
        ffn_dim=inner_width,
        num_layers=layers,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        eps=1e-6,
    )
    install_memory_rope(denoiser)
    return denoiser


def make_batch(
    rng: random.Random,
    stories: Sequence[StoryLatents],
    tokens: int,
    memory: int,
    unknown: Tensor,
    mixture: Mixture,
    kept: KeptTokens,
) -> Batch:
    """As many pictures with `memory` keyframes as make about so many kept tokens."""
    often = mixture.figures_weight
    if not any(often[clip.figures_shown] for story in stories for clip in story.targets()):
        raise ValueError(f"none of {len(stories)} stories has a picture that its words determine: make more stories")
    memory = _at_most(memory, stories)
    examples: list[Example] = []
    while not examples or len(examples) < _examples(tokens, memory, examples[0].excerpt.clip, 1, kept):
        # Drawn until one is taken: to list all pictures of thousands of stories is a twentieth of a step.
        story = rng.choice(stories)
        clip = rng.choice(story.stills)
        if clip.foreseeable and rng.random() * max(often) < often[clip.figures_shown]:
            excerpt = whole(clip, unknown)
            examples.append(Example(excerpt, _remembered(rng, story, excerpt, memory)))
    return batch_of(rng, examples, mixture, kept)


def make_step_batch(
    rng: random.Random,
    stories: Sequence[StoryLatents],
    tokens: int,
    wanted: Wanted,
    mixture: Mixture,
    kept: KeptTokens,
) -> Batch:
    """As many steps of filming on as make about so many kept tokens; shots that move are asked for more often."""
    size = _examples(tokens, 1, stories[0].shots[0], wanted.known + AT_ONCE, kept)
    steps = draw_steps(rng, stories, wanted, size, mixture.moving_weight)
    return batch_of(rng, [Example(step, (anchor(step.clip),)) for step in steps], mixture, kept)


def _at_most(memory: int, stories: Sequence[StoryLatents]) -> int:
    return min([memory, *(len(story.stills) + len(story.shots) - 1 for story in stories)])


def _examples(tokens: int, memory: int, clip: Clip, frames: int, kept: KeptTokens) -> int:
    """How many examples with so many latent frames make about so many tokens."""
    counts = kept.counts(clip.latents.shape[2] * clip.latents.shape[3] // 4)
    return max(1, round(tokens / (memory * counts.memory + frames * counts.shot)))


def batch_of(rng: random.Random, examples: Sequence[Example], mixture: Mixture, kept: KeptTokens) -> Batch:
    """Examples that remember as many keyframes and are as long, as one batch."""
    clean, mask, condition, weight, figures, truth, body, sentences, known = [], [], [], [], [], [], [], [], []
    memory = len(examples[0].keyframes)
    for example in examples:
        excerpt, keyframes = example.excerpt, example.keyframes
        clip, latents = excerpt.clip, excerpt.latents
        remembered = [frame.latents[:, None].float() for frame in keyframes]
        clean.append(torch.cat([*remembered, latents], dim=1))
        condition.append(torch.cat([*remembered, excerpt.condition], dim=1))
        _, frames, height, width = latents.shape
        shown = torch.zeros(MASK_CHANNELS, memory + frames, height, width)
        shown[:, : memory + excerpt.known] = 1
        mask.append(shown)
        nothing = torch.zeros(1, memory + excerpt.known, height, width)
        asked_for = excerpt.covered[None, excerpt.known :]
        weight.append(torch.cat([nothing, 1 + mixture.figure_weight * asked_for], dim=1))
        who = torch.cat([*(frame.who[None] for frame in keyframes), excerpt.who])
        figures.append((who >= 0).flatten(1))
        truth.append(labels(clip.script, who, [frame.setting for frame in keyframes]))
        cells = height * width // 4
        unasked = torch.full((2, memory * cells), torch.nan)
        asked = body_coordinates(clip.script, clip.who)[:, excerpt.first * cells : excerpt.last * cells]
        body.append(torch.cat([unasked, asked], dim=1))
        sentences.append(_sentence(rng, excerpt, memory, mixture, kept.words))
        known.append(excerpt.known)
    return Batch(
        clean=torch.stack(clean),
        mask=torch.stack(mask),
        condition=torch.stack(condition),
        weight=torch.stack(weight),
        figures=torch.stack(figures),
        truth=torch.stack(truth),
        body=torch.stack(body),
        said=tuple(sentences),
        memory=memory,
        known=torch.tensor(known),
        kept=kept,
    )


def _remembered(rng: random.Random, story: StoryLatents, excerpt: Excerpt, count: int) -> tuple[Keyframe, ...]:
    """So many keyframes by chance, of which one shows somebody of the shot if any does, and one more its place.

    Policies look for such.
    """
    keyframes = story.keyframes(without=excerpt.clip)
    rng.shuffle(keyframes)
    of_somebody = next((frame for frame in keyframes if shows_any(frame, excerpt.who)), None)
    setting = excerpt.clip.script.setting
    of_the_place = next((frame for frame in keyframes if frame is not of_somebody and frame.setting == setting), None)
    keyframes.sort(key=lambda frame: 0 if frame is of_somebody else 1 if frame is of_the_place else 2)
    chosen = keyframes[:count]
    rng.shuffle(chosen)
    return tuple(chosen)


def shows_any(keyframe: Keyframe, who: Tensor) -> bool:
    """Whether a keyframe shows one of the figures `who`, -1 nobody."""
    return bool(torch.isin(keyframe.who, who[who >= 0]).any())


def _sentence(rng: random.Random, excerpt: Excerpt, memory: int, mixture: Mixture, most_words: int) -> Said:
    """The words of an example; attributes are left out where they and two endings would not fit in `most_words`."""
    if rng.random() < mixture.text_dropped:
        return Said("", ())
    clip, seen = excerpt.clip, memory or excerpt.known
    named = rng.random() < (mixture.attributes_with_memory if seen else mixture.attributes_without_memory)
    layout = rng.random() < (mixture.layout_with_memory if seen else mixture.layout_without_memory)
    sentence = said(clip.script, rng, with_attributes=named, with_layout=layout)
    if len(sentence.roles) + 2 <= most_words:
        return sentence
    return said(clip.script, rng, with_attributes=False, with_layout=layout)


def sample_noise_levels(known: Tensor, levels: NoiseLevels) -> Tensor:
    """Noise shares from 0 to 1 for examples with so many known latent frames.

    A batch's levels are spread evenly over the distribution, each somewhere in its own part of it: that makes the mean
    over a batch less a matter of luck.
    """
    count = len(known)
    parts = torch.randperm(count, device=known.device) + torch.rand(count, device=known.device)
    plain = torch.sigmoid(1.1 * torch.special.ndtri((parts / count).clamp(1e-4, 1 - 1e-4)))
    from_words = torch.rand(count, device=known.device) < levels.from_words_share
    of_cuts = torch.where(from_words, levels.shift_from_words, levels.shift)
    shift = torch.where(known > 0, levels.shift_from_frames, of_cuts)
    return shift * plain / (1 + (shift - 1) * plain)


@dataclass(frozen=True)
class Prediction:
    """What the denoiser says of a batch's kept tokens [B, K, 16, 4], its own answers kept by the truth heads."""

    chosen: ChosenTokens
    noise: Tensor
    flow: Tensor


def predict(denoiser: WanTransformer3DModel, text: Tensor, batch: Batch, level: Tensor) -> Prediction:
    """One prediction from noise of these shares [B], 0 to 1, with the batch's memory and words."""
    share = level.view(-1, 1, 1, 1, 1)
    noise = torch.randn_like(batch.clean)
    noisy = (1 - share) * batch.clean + share * noise
    ropes = [install_memory_rope(denoiser)]
    told = torch.cat([noisy, batch.mask, batch.condition], dim=1)
    device = batch.clean.device
    chosen = choose_tokens(batch.figures, batch.memory, batch.kept)
    with plain_attention(device), autocast(device), memory_positions(ropes, batch.memory, MEMORY_STRIDE):
        flow = flow_of_tokens(denoiser, told, level * 1000, text, chosen.index, MAX_WORDS)
    return Prediction(chosen, tokens_of(noise, chosen.index), flow.float())


@dataclass(frozen=True)
class Losses:
    """The flow's error, how badly the middle of the network knows who is where, how unlike the picture looks."""

    flow: Tensor
    truth: Tensor
    looks: Tensor


def losses(
    denoiser: WanTransformer3DModel,
    heads: TruthHeads,
    reader: LatentReader | None,
    text: Tensor,
    batch: Batch,
    mixture: Mixture,
) -> Losses:
    """Squared error of the predicted flow on the shot's latents, figures weighted up; cross-entropy of the truth.

    Asking the hidden states for the truth makes them useful sooner, as aligning them with a trained encoder does
    (Yu et al., "Representation Alignment for Generation", 2024); here the renderer knows what an encoder would guess.
    Without a `reader` nobody looks at the picture.
    """
    level = sample_noise_levels(batch.known, mixture.levels)
    made = predict(denoiser, text, batch, level)
    index = made.chosen.index
    off = made.flow - (made.noise - tokens_of(batch.clean, index))
    error = off.pow(2)
    weight = tokens_of(batch.weight, index) * made.chosen.stands_for[:, :, None, None]
    of_memory = batch.memory * batch.figures.shape[2]
    truth, body = (
        labelled.gather(2, index[:, None].expand(-1, labelled.shape[1], -1)) for labelled in (batch.truth, batch.body)
    )
    nothing = error.sum() * 0
    looks = nothing
    if reader is not None:
        looks = look(reader, batch, video_of(off, index, batch.clean), level, mixture)
    return Losses(
        flow=(error * weight).sum() / (weight.sum() * error.shape[2]),
        truth=heads.loss(truth, body, index < of_memory) if (truth != UNKNOWN).any() else nothing,
        looks=looks,
    )


def look(reader: LatentReader, batch: Batch, off: Tensor, level: Tensor, mixture: Mixture) -> Tensor:
    """How unlike the truth the reader finds what is asked of a batch; its examples know as many latent frames each.

    Args:
        reader: its weights stay as they are.
        batch: what was asked.
        off: how far the predicted flow is off [B, 16, M + T, h, w]; 0 where no token was looked at.
        level: share of noise of every example [B].
        mixture: says below which of these shares it is asked at all.
    """
    first = batch.memory + int(batch.known[0])
    clean, wrong, weight = (each[:, :, first:] for each in (batch.clean, off, batch.weight))
    return unlikeness(reader, clean, wrong, weight, level, mixture.looks_below, mixture.looks_above)
