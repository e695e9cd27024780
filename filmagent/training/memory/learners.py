"""What each policy learns from examples: flow matching beside memory, and what Memento and OneStory add to it.

A learner is a module whose forward is the loss, so that anything that wraps modules can wrap it. Source: StoryMem
(arXiv 2512.19539), Memento (arXiv 2606.14667) equations 6 to 8, OneStory (arXiv 2512.07802) equations 10 to 12, with
the flow that Wan2.2 predicts (noise minus clean latents) in place of the noise. Knows tensors; nothing of files or
optimisers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from filmagent.generation.trained.names import MEMENTO_FRAMES
from filmagent.generation.wan.denoising.rope import memory_positions
from filmagent.generation.wan.memento.expert import SequenceLayout
from filmagent.generation.wan.memento.quota import Quota
from filmagent.training.memory.levels import TIMESTEPS
from filmagent.training.memory.materials import Examples
from filmagent.training.memory.settings import MemoryTraining
from filmagent.training.onestory.objective import Batch, objective
from filmagent.training.papercut.machine import autocast

MASK_CHANNELS = 4
Losses = dict[str, Tensor]
"""`loss`, which is learned from; `shot`, the mean squared error of the shot's flow alone, the same in every policy; and
what else is asked, by name."""


class Learner(nn.Module):
    """An expert and a policy's objective."""

    def __init__(self, expert: Any) -> None:
        """Keep the expert."""
        super().__init__()
        self.expert = expert

    def forward(self, examples: Examples, levels: Tensor, noise: Mapping[str, Tensor]) -> Losses:
        """Return the losses of examples at shares of noise (batch,), 0 to 1; `noise` from `draw_noise`."""
        return self.losses(examples, levels, noise)[0]

    def losses(self, examples: Examples, levels: Tensor, noise: Mapping[str, Tensor]) -> tuple[Losses, Tensor]:
        """Return the losses, and what the expert takes the shots to be: clean latents (batch, 16, T, h, w)."""
        raise NotImplementedError


class StoryMemLearner(Learner):
    """Memory clean in the condition, in front of the shot; all of it is denoised at one level.

    Memory's positions count in the loss as the shot's do: the sampler denoises them too, and what is predicted for
    them is what the next step sees.
    """

    def __init__(self, expert: Any, stride: int) -> None:
        """Keep the expert, with its memory positions installed; `stride` lies between memory frames."""
        super().__init__(expert)
        self.stride = stride

    def losses(self, examples: Examples, levels: Tensor, noise: Mapping[str, Tensor]) -> tuple[Losses, Tensor]:
        """As `Learner.losses`."""
        memory, share = examples.memory.shape[2], _share(levels)
        clean = torch.cat([examples.memory, examples.clean], dim=2)
        shown = torch.cat([torch.ones_like(examples.memory[:, :MASK_CHANNELS]), examples.memory], dim=1)
        condition = torch.cat([shown, examples.condition], dim=2)
        drawn = torch.cat([noise["memory"], noise["shot"]], dim=2)
        noisy = (1 - share) * clean + share * drawn
        with autocast(clean.device), memory_positions([self.expert.rope], memory, self.stride):
            sequence = torch.cat([noisy, condition], dim=1)
            flow = self.expert(sequence, TIMESTEPS * levels, examples.text, return_dict=False)[0].float()
        error = (flow - (drawn - clean)).square()
        losses = {"loss": error.mean(), "shot": error[:, :, memory:].detach().mean()}
        return losses, (noisy - share * flow)[:, :, memory:]


class CachedMemoryLearner(Learner):
    """Memory read once, clean; the shot alone is denoised. What the sampler does with what it kept, step by step."""

    def __init__(self, expert: Any, stride: int) -> None:
        """Keep an expert of `install_cached_memory`; `stride` lies between memory frames."""
        super().__init__(expert)
        self.stride = stride

    def losses(self, examples: Examples, levels: Tensor, noise: Mapping[str, Tensor]) -> tuple[Losses, Tensor]:
        """As `Learner.losses`."""
        share = _share(levels)
        noisy = (1 - share) * examples.clean + share * noise["shot"]
        with autocast(noisy.device):
            kept = self.expert.memorise(examples.memory, self.stride) if examples.memory.shape[2] else ()
            sequence = torch.cat([noisy, examples.condition], dim=1)
            flow = self.expert.denoise(sequence, TIMESTEPS * levels, examples.text, kept).float()
        loss = (flow - (noise["shot"] - examples.clean)).square().mean()
        return {"loss": loss, "shot": loss.detach()}, noisy - share * flow


class OneStoryLearner(Learner):
    """The shot is denoised beside the chosen frames in patches; the selector learns what its labels say.

    A film's first shot is learned too, which the paper leaves to its base: here the same weights film it.
    """

    def __init__(self, expert: Any, weight: float) -> None:
        """Keep an expert with OneStory's memory; `weight` is lambda, the selection's beside the shot's."""
        super().__init__(expert)
        self.weight = weight

    def losses(self, examples: Examples, levels: Tensor, noise: Mapping[str, Tensor]) -> tuple[Losses, Tensor]:
        """As `Learner.losses`."""
        device, judged, bypassed = examples.clean.device, examples.judged, examples.bypassed
        nothing = torch.zeros(len(examples), 0, device=device)
        batch = Batch(
            clean=examples.clean,
            condition=examples.condition,
            memory=examples.memory,
            times=torch.tensor(examples.times, device=device),
            origins=nothing if judged is None else judged.origins,
            labels=nothing if judged is None else judged.labels,
            text=examples.text,
            told=examples.prompt,
            weight=torch.ones_like(examples.clean[:, :1]),
        )
        with autocast(device):
            found = objective(
                self.expert,
                batch,
                noise["shot"],
                levels,
                weight=self.weight,
                bypassing=None if bypassed is None else torch.Generator().manual_seed(bypassed),
            )
        share = _share(levels)
        noisy = (1 - share) * examples.clean + share * noise["shot"]
        losses = {"loss": found.total, "shot": found.shot.detach()}
        if found.selection is not None:
            losses["selection"] = found.selection.detach()
        return losses, noisy - share * found.flow.float()


class MementoLearner(Learner):
    """Chosen memory between the subject's picture and the shot, noised as they are; both are predicted, memory not.

    The choice is hard; its gradient is the softmax's (straight-through), by way of what is shown.
    """

    def __init__(self, expert: Any, weight: float, quota: Quota) -> None:
        """Keep the expert, with its selector.

        Args:
            expert: from `load_learning_expert`.
            weight: lambda, the reconstruction's beside the shot's.
            quota: how many frames each kind of queries chooses.
        """
        super().__init__(expert)
        self.weight, self.quota = weight, quota

    def losses(self, examples: Examples, levels: Tensor, noise: Mapping[str, Tensor]) -> tuple[Losses, Tensor]:
        """As `Learner.losses`."""
        subject, share = examples.subject, _share(levels)
        chosen = [self._choose(examples, row) for row in range(len(examples))]
        clean = torch.stack([each.shown(examples.memory[row]) for row, each in enumerate(chosen)])
        drawn = torch.stack([noise["memory"][row][:, each.frames] for row, each in enumerate(chosen)])
        mask = torch.ones_like(clean[:, :MASK_CHANNELS])
        shown = torch.cat([(1 - share) * clean + share * drawn, mask, clean], dim=1)
        noisy = (1 - share) * examples.clean + share * noise["shot"]
        parts, text = [shown, torch.cat([noisy, examples.condition], dim=1)], examples.text
        times = tuple(
            tuple(row[index] for index in each.frames) for row, each in zip(examples.times, chosen, strict=True)
        )
        layout = SequenceLayout(0, times)
        if subject is not None:
            hidden = (1 - share) * subject.clean + share * noise["subject"]
            parts.insert(0, torch.cat([hidden, subject.condition], dim=1))
            text = torch.cat([subject.text, text], dim=1)
            layout = SequenceLayout(1, times, subject.text.shape[1])
        with autocast(noisy.device):
            flow = self.expert.denoise(torch.cat(parts, dim=2), TIMESTEPS * levels, text, layout).float()
        of_shot = flow[:, :, flow.shape[2] - noisy.shape[2] :]
        shot = (of_shot - (noise["shot"] - examples.clean)).square().mean()
        found = {"loss": shot, "shot": shot.detach()}
        if subject is not None:
            told = (flow[:, :, :1] - (noise["subject"] - subject.clean)).square().mean()
            found = {"loss": shot + self.weight * told, "shot": shot.detach(), "reconstruction": told.detach()}
        return found, noisy - share * of_shot

    def _choose(self, examples: Examples, row: int) -> _Chosen:
        """Choose the frames that one example is shown, in the order of its pool."""
        pool, expert, quota = examples.memory[row : row + 1], self.expert, self.quota
        frames = pool.shape[2]
        if frames <= quota.frames:
            return _Chosen(list(range(frames)), torch.eye(frames, device=pool.device))
        _, rows, columns = expert.config.patch_size
        rotary = expert.rope.at(examples.times[row], pool.shape[3] // rows, pool.shape[4] // columns)
        embed, asked = expert.condition_embedder.text_embedder, expert.keyframe_query.queries
        # As when filming: scores differ in small digits, so they are not left to autocast.
        with torch.autocast(pool.device.type, enabled=False):
            kind = embed.linear_1.weight.dtype
            told = (examples.prompt[row : row + 1], examples.story[row : row + 1])
            text, story = (embed(features.to(kind))[0].to(asked) for features in told)
            choice = expert.keyframe_query(pool.to(asked), text, story, rotary, quota)
        order = choice.frames.argsort()
        return _Chosen(choice.frames[order].tolist(), choice.weights[order])


@dataclass(frozen=True)
class _Chosen:
    """Which frames of a pool an example is shown, and each one's weights over the pool (frames, pool)."""

    frames: list[int]
    weights: Tensor

    def shown(self, pool: Tensor) -> Tensor:
        """The chosen frames (16, frames, h, w) of a pool; gradients pass to the weights."""
        return torch.einsum("kf,cfhw->ckhw", self.weights, pool)


def make_learner(expert: Any, settings: MemoryTraining, stride: int) -> Learner:
    """Return the learner of a policy on an expert from `load_learning_expert`."""
    if settings.policy == "memento":
        return MementoLearner(expert, settings.reconstruction_weight, Quota.of(MEMENTO_FRAMES, settings.queries))
    if settings.policy == "onestory":
        return OneStoryLearner(expert, settings.selection_weight)
    if settings.cached:
        return CachedMemoryLearner(expert, stride)
    return StoryMemLearner(expert, stride)


def draw_noise(examples: Examples, seeds: Sequence[int]) -> dict[str, Tensor]:
    """Return noise for every part of examples, of one seed each; drawn on the CPU: the same on any device.

    The shot's comes first: the same seed gives the same whatever is remembered.
    """
    parts = {"shot": examples.clean, "subject": examples.clean[:, :, :1], "memory": examples.memory}
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return {
        name: torch.stack([torch.randn(part.shape[1:], generator=each) for each in generators]).to(part.device)
        for name, part in parts.items()
    }


def _share(levels: Tensor) -> Tensor:
    """Shares of noise (batch,) as they are mixed with latents (batch, 16, T, h, w)."""
    return levels.view(-1, 1, 1, 1, 1)
