"""Asks a denoiser in training what it knows, by single predictions from nearly pure noise: of words, memory, movement.

Takes two minutes and needs no film, no decoder and no probe, so it can be asked between two trainings. All stories are
held out. Knows no optimizer; what comes of it is a table.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from filmagent.errors import UsageError
from filmagent.generation.papercut.vocabulary import ACTIONS
from filmagent.training.papercut.denoiser import Batch, Example, Mixture, Prediction, batch_of, predict, shows_any
from filmagent.training.papercut.drawn import StoryShape, draw_story, drawn_clip, exposures
from filmagent.training.papercut.excerpts import anchor, next_pictures, whole
from filmagent.training.papercut.latents import (
    Clip,
    Encoder,
    Keyframe,
    StoryLatents,
    encode_shot,
    encode_story,
    unknown_condition,
)
from filmagent.training.papercut.probe.questions import IDENTITY
from filmagent.training.papercut.some_tokens import KeptTokens, tokens_of
from filmagent.training.papercut.text import build_tokenizer, encode_text
from filmagent.training.papercut.trainer import CHECKPOINT, Models, averaged_models, listen
from filmagent.training.papercut.truth import LAYOUT, QUESTIONS, UNKNOWN
from filmagent.training.papercut.world import sample_shot, sample_story

Key = TypeVar("Key")
LEVEL = 0.97
"""Share of noise: what is predicted from so much comes from words, memory and known frames alone."""
HELD_OUT_SEED = 9001
"""No training's seed."""
STILLS = 8
A_BATCH = 16
KEYFRAMES = (0, 1, 2, 5)
FIRST, LATER = 1, 5
"""The first pictures of what is predicted of a shot: behind one picture alone, and behind three."""
SHOTS_A_MOVEMENT = 4
PAN, PUSH = "the set under a pan", "the set under a push in"
MOVEMENTS = (*(action for action in ACTIONS if action != "meets"), PAN, PUSH)
SILENT = Mixture(
    text_dropped=0.0,
    attributes_with_memory=0.0,
    attributes_without_memory=0.0,
    layout_with_memory=0.0,
    layout_without_memory=0.0,
)
"""Words that say who is there and nothing of what they look like: that is for memory to know."""
TELLING = replace(SILENT, attributes_with_memory=1.0, attributes_without_memory=1.0, layout_without_memory=1.0)
EVERYTHING = KeptTokens()


@dataclass(frozen=True)
class Share:
    """A share from 0 to 1, and of how many."""

    share: float
    count: int


@dataclass(frozen=True)
class Moved:
    """Squared error where figures are, or the set that a camera passes, in shares of its own variance: of the second
    picture behind one that is known, and behind three."""

    first: float
    later: float
    guess_first: float
    """What showing the last known picture again is off."""
    guess_later: float
    shots: int


@dataclass(frozen=True)
class Checkup:
    """What a denoiser knows."""

    explained: Mapping[int, Share]
    """By number of figures: share of the latents' variance at figures that one prediction from words explains."""
    remembered: Mapping[tuple[int, bool, str], Share]
    """(keyframes shown, whether others are in the picture, question): how often the truth is known of a figure."""
    placed: Mapping[int, Share]
    """By keyframes, of which one or more show the place; without any: how often its arrangement is known."""
    moved: Mapping[str, Moved]
    """By what is done, or by what the camera does."""


def check_up(models: Models, encoder: Encoder, stories: int = 30, shots: int = SHOTS_A_MOVEMENT) -> Checkup:
    """Ask a denoiser, its truth heads listening, about held-out stories and shots."""
    models.eval()
    drawn = (draw_story(HELD_OUT_SEED, number, StoryShape(STILLS, 0)) for number in range(stories))
    made = [encode_story(encoder, story) for story in drawn]
    unknown = unknown_condition(encoder)
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(0)
        remembered, placed = _remembered(models, made, unknown)
        return Checkup(_explained(models, made, unknown), remembered, placed, _moved(models, encoder, shots))


def _explained(models: Models, stories: Sequence[StoryLatents], unknown: Tensor) -> dict[int, Share]:
    examples = [Example(whole(clip, unknown), ()) for story in stories for clip in story.targets()]
    error: dict[int, float] = defaultdict(float)
    total: dict[int, float] = defaultdict(float)
    count: dict[int, int] = defaultdict(int)
    for batch, made, part in _predicted(models, examples, TELLING):
        clean, off = tokens_of(batch.clean, made.chosen.index), _off(batch, made)
        for row, example in enumerate(part):
            shown = example.excerpt.who.flatten() >= 0
            figures = len(example.excerpt.clip.script.performances)
            if shown.any():
                error[figures] += _size(off[row][shown])
                total[figures] += _spread(clean[row][shown])
                count[figures] += 1
    return {figures: Share(1 - error[figures] / total[figures], count[figures]) for figures in sorted(count)}


def _remembered(
    models: Models, stories: Sequence[StoryLatents], unknown: Tensor
) -> tuple[dict[tuple[int, bool, str], Share], dict[int, Share]]:
    """Who is remembered, and where that was."""
    right: dict[tuple[int, bool, str], list[bool]] = defaultdict(list)
    there: dict[int, list[bool]] = defaultdict(list)
    rng = random.Random(HELD_OUT_SEED)
    for keyframes in KEYFRAMES:
        examples = list(_recalled(rng, stories, unknown, keyframes))
        for batch, _, part in _predicted(models, examples, SILENT):
            answers = models.heads.answers()
            for row, example in enumerate(part):
                if _shows_the_place(example):
                    there[keyframes].append(_knows_the_place(batch, answers, row))
                for subject in _asked(example):
                    crowded = len(example.excerpt.clip.script.performances) > 1
                    for question in IDENTITY:
                        known = _knows(batch, answers, row, example, subject, question)
                        if known is not None:
                            right[keyframes, crowded, question].append(known)
    return _shares(right), _shares(there)


def _shares(right: Mapping[Key, Sequence[bool]]) -> dict[Key, Share]:
    return {key: Share(sum(each) / len(each), len(each)) for key, each in right.items()}


def _recalled(
    rng: random.Random, stories: Sequence[StoryLatents], unknown: Tensor, keyframes: int
) -> Iterator[Example]:
    """Pictures of somebody who was seen before, with so many keyframes of which one shows somebody of the picture."""
    for story in stories:
        for clip in story.targets():
            others = story.keyframes(without=clip)
            telling = [each for each in others if shows_any(each, clip.who)]
            if not telling:
                continue
            shown: list[Keyframe] = [rng.choice(telling)]
            rest = [each for each in others if each is not shown[0]]
            yield Example(whole(clip, unknown), tuple((shown + rng.sample(rest, max(0, keyframes - 1)))[:keyframes]))


def _asked(example: Example) -> list[int]:
    """Figures of the picture whom a keyframe shows; all, where none is shown."""
    figures = [part.subject for part in example.excerpt.clip.script.performances]
    shown = [figure for figure in figures if any(bool((each.who == figure).any()) for each in example.keyframes)]
    return shown if example.keyframes else figures


def _knows(
    batch: Batch, answers: Mapping[str, Tensor], row: int, example: Example, subject: int, question: str
) -> bool | None:
    """Whether the likeliest answer over a figure's tokens is true; None: it has no tokens, or no true answer."""
    who = example.excerpt.who.flatten()
    at = (who == subject).nonzero().flatten() + batch.memory * len(who)
    truth = batch.truth[row, list(QUESTIONS).index(question)]
    if len(at) == 0 or int(truth[at[0]]) == UNKNOWN:
        return None
    return int(answers[question][row, at].log_softmax(-1).mean(0).argmax()) == int(truth[at[0]])


def _shows_the_place(example: Example) -> bool:
    """Whether a keyframe shows the picture's place; or no keyframe is there at all."""
    setting = example.excerpt.clip.script.setting
    return not example.keyframes or any(frame.setting == setting for frame in example.keyframes)


def _knows_the_place(batch: Batch, answers: Mapping[str, Tensor], row: int) -> bool:
    """Whether the likeliest arrangement over a picture's tokens is the true one."""
    of_shot = slice(batch.memory * batch.figures.shape[2], None)
    truth = batch.truth[row, list(QUESTIONS).index(LAYOUT), of_shot]
    return int(answers[LAYOUT][row, of_shot].log_softmax(-1).mean(0).argmax()) == int(truth[0])


def _moved(models: Models, encoder: Encoder, shots: int) -> dict[str, Moved]:
    drawn = _held_out_shots(encoder, shots)
    errors: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    for frame in (FIRST, LATER):
        movements = iter([movement for movement, _ in drawn])
        examples = [Example(next_pictures(clip, frame), (anchor(clip),)) for _, clip in drawn]
        for batch, made, part in _predicted(models, examples, TELLING):
            clean, off = tokens_of(batch.clean, made.chosen.index), _off(batch, made)
            guess = tokens_of(batch.condition, made.chosen.index) - clean
            for row, example in enumerate(part):
                movement, who = next(movements), example.excerpt.who[-1].flatten()
                shown = who < 0 if movement in (PAN, PUSH) else who >= 0
                if shown.any():
                    there, wrong, held = (each[row][-len(shown) :][shown] for each in (clean, off, guess))
                    errors[movement, frame].append((_size(wrong) / _spread(there), _size(held) / _spread(there)))
    return {
        movement: _mean(errors[movement, FIRST], errors[movement, LATER])
        for movement in MOVEMENTS
        if errors[movement, FIRST] and errors[movement, LATER]
    }


def _held_out_shots(encoder: Encoder, shots: int) -> list[tuple[str, Clip]]:
    """So many shots of every movement: one figure under a camera that stands still, or a camera that moves."""
    rng = random.Random(HELD_OUT_SEED)
    wanted = dict.fromkeys(MOVEMENTS, shots)
    found = []
    while any(wanted.values()):
        script = sample_shot(rng, sample_story(rng))
        movement = PUSH if script.camera == "in" else PAN
        if script.camera == "still":
            movement = script.performances[0].action if len(script.performances) == 1 else ""
        if wanted.get(movement):
            wanted[movement] -= 1
            found.append((movement, encode_shot(encoder, drawn_clip(exposures(script), 1, True))))
    return found


def _predicted(
    models: Models, examples: Sequence[Example], mixture: Mixture
) -> Iterator[tuple[Batch, Prediction, Sequence[Example]]]:
    """Predictions for all examples, which are as long as each other, batch after batch, in order."""
    tokenizer, rng = build_tokenizer(), random.Random(HELD_OUT_SEED)
    for first in range(0, len(examples), A_BATCH):
        part = examples[first : first + A_BATCH]
        batch = batch_of(rng, part, mixture, EVERYTHING)
        text = encode_text(tokenizer, models.encoder, [each.sentence for each in batch.said], batch.kept.words)
        yield batch, predict(models.denoiser, text, batch, torch.full((len(part),), LEVEL)), part


def _off(batch: Batch, made: Prediction) -> Tensor:
    """How far what the denoiser takes the tokens to be [B, K, 16, 4] is from what they are."""
    return LEVEL * (made.flow - made.noise + tokens_of(batch.clean, made.chosen.index))


def _size(tokens: Tensor) -> float:
    return float(tokens.pow(2).sum())


def _spread(tokens: Tensor) -> float:
    """How far tokens [n, ...] lie from their mean, squared; never 0."""
    return max(_size(tokens - tokens.mean(0)), 1e-6)


def _mean(first: Sequence[tuple[float, float]], later: Sequence[tuple[float, float]]) -> Moved:
    means = [sum(column) / len(column) for pairs in (first, later) for column in zip(*pairs, strict=True)]
    return Moved(first=means[0], later=means[2], guess_first=means[1], guess_later=means[3], shots=len(first))


def as_markdown(found: Checkup) -> str:
    """Four tables."""
    lines = ["| figures | explained by words |", "| --- | --- |"]
    lines += [f"| {figures} | {each.share:.2f} ({each.count} pictures) |" for figures, each in found.explained.items()]
    lines += ["", "| keyframes | in the picture | " + " | ".join(IDENTITY).replace("_", " ") + " |"]
    lines += ["| --- " * (2 + len(IDENTITY)) + "|"]
    for keyframes in KEYFRAMES:
        for crowded in (False, True):
            shares = [found.remembered.get((keyframes, crowded, question)) for question in IDENTITY]
            said = " | ".join("" if each is None else f"{each.share:.0%} ({each.count})" for each in shares)
            lines.append(f"| {keyframes} | {'others, too' if crowded else 'alone'} | {said} |")
    lines += ["", "| keyframes | arrangement of the place |", "| --- | --- |"]
    lines += [f"| {keyframes} | {each.share:.0%} ({each.count}) |" for keyframes, each in sorted(found.placed.items())]
    lines += ["", "| movement | after half a second (guess) | after one and a half (guess) | shots |"]
    lines += ["| --- " * 4 + "|"]
    for name, each in found.moved.items():
        first, later = (
            f"{off:.2f} ({guess:.2f})"
            for off, guess in ((each.first, each.guess_first), (each.later, each.guess_later))
        )
        lines.append(f"| {name} | {first} | {later} | {each.shots} |")
    return "\n".join(lines) + "\n"


def read_models(folder: Path) -> Models:
    """The averaged networks of a training's checkpoint, their truth heads listening.

    Raises:
        UsageError: there is no checkpoint.
    """
    if not (folder / CHECKPOINT).exists():
        raise UsageError(f"no {CHECKPOINT} in {str(folder)!r}: train with `filmagent train papercut dit --data DIR`")
    models = averaged_models(folder)
    listen(models)
    return models
