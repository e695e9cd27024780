"""What each policy learns from one example: flow matching beside memory, and what Memento and OneStory add to it.

A learner is a module whose forward is the loss, so that anything that wraps modules can wrap it. Source: StoryMem
(arXiv 2512.19539), Memento (arXiv 2606.14667) equations 6 to 8, OneStory (arXiv 2512.07802) equations 10 to 12, with
the flow that Wan2.2 predicts (noise minus clean latents) in place of the noise. Knows tensors; nothing of files or
optimisers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from filmagent.generation.trained.names import MEMENTO_FRAMES
from filmagent.generation.wan.memento.expert import SequenceLayout
from filmagent.generation.wan.memento.quota import Quota
from filmagent.generation.wan.rope import memory_positions
from filmagent.training.memory.levels import TIMESTEPS
from filmagent.training.memory.materials import Example
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

    def forward(self, example: Example, level: float, noise: Mapping[str, Tensor]) -> Losses:
        """Return the losses of an example at a share of noise, 0 to 1; `noise` from `draw_noise`."""
        return self.losses(example, level, noise)[0]

    def losses(self, example: Example, level: float, noise: Mapping[str, Tensor]) -> tuple[Losses, Tensor]:
        """Return the losses, and what the expert takes the shot to be: clean latents (1, 16, T, h, w)."""
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

    def losses(self, example: Example, level: float, noise: Mapping[str, Tensor]) -> tuple[Losses, Tensor]:
        """As `Learner.losses`."""
        memory, device = example.memory.shape[2], example.clean.device
        clean = torch.cat([example.memory, example.clean], dim=2)
        shown = torch.cat([torch.ones_like(example.memory[:, :MASK_CHANNELS]), example.memory], dim=1)
        condition = torch.cat([shown, example.condition], dim=2)
        drawn = torch.cat([noise["memory"], noise["shot"]], dim=2)
        noisy = (1 - level) * clean + level * drawn
        with autocast(device), memory_positions([self.expert.rope], memory, self.stride):
            flow = self.expert(
                torch.cat([noisy, condition], dim=1), _timestep(level, device), example.text, return_dict=False
            )[0].float()
        error = (flow - (drawn - clean)).square()
        losses = {"loss": error.mean(), "shot": error[:, :, memory:].detach().mean()}
        return losses, (noisy - level * flow)[:, :, memory:]


class CachedMemoryLearner(Learner):
    """Memory read once, clean; the shot alone is denoised. What the sampler does with what it kept, step by step."""

    def __init__(self, expert: Any, stride: int) -> None:
        """Keep an expert of `install_cached_memory`; `stride` lies between memory frames."""
        super().__init__(expert)
        self.stride = stride

    def losses(self, example: Example, level: float, noise: Mapping[str, Tensor]) -> tuple[Losses, Tensor]:
        """As `Learner.losses`."""
        device = example.clean.device
        noisy = (1 - level) * example.clean + level * noise["shot"]
        with autocast(device):
            kept = self.expert.memorise(example.memory, self.stride) if example.memory.shape[2] else ()
            sequence = torch.cat([noisy, example.condition], dim=1)
            flow = self.expert.denoise(sequence, _timestep(level, device), example.text, kept).float()
        loss = (flow - (noise["shot"] - example.clean)).square().mean()
        return {"loss": loss, "shot": loss.detach()}, noisy - level * flow


class OneStoryLearner(Learner):
    """The shot is denoised beside the chosen frames in patches; the selector learns what its labels say.

    A film's first shot is learned too, which the paper leaves to its base: here the same weights film it.
    """

    def __init__(self, expert: Any, weight: float) -> None:
        """Keep an expert with OneStory's memory; `weight` is lambda, the selection's beside the shot's."""
        super().__init__(expert)
        self.weight = weight

    def losses(self, example: Example, level: float, noise: Mapping[str, Tensor]) -> tuple[Losses, Tensor]:
        """As `Learner.losses`."""
        device, judged, bypassed = example.clean.device, example.judged, example.bypassed
        nothing = torch.zeros(1, 0, device=device)
        batch = Batch(
            clean=example.clean,
            condition=example.condition,
            memory=example.memory,
            times=torch.tensor([example.times], device=device),
            origins=nothing if judged is None else judged.origins,
            labels=nothing if judged is None else judged.labels,
            text=example.text,
            told=example.prompt,
            weight=torch.ones_like(example.clean[:, :1]),
        )
        with autocast(device):
            found = objective(
                self.expert,
                batch,
                noise["shot"],
                torch.tensor([level], device=device),
                weight=self.weight,
                bypassing=None if bypassed is None else torch.Generator().manual_seed(bypassed),
            )
        noisy = (1 - level) * example.clean + level * noise["shot"]
        losses = {"loss": found.total, "shot": found.shot.detach()}
        if found.selection is not None:
            losses["selection"] = found.selection.detach()
        return losses, noisy - level * found.flow.float()


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

    def losses(self, example: Example, level: float, noise: Mapping[str, Tensor]) -> tuple[Losses, Tensor]:
        """As `Learner.losses`."""
        device, subject = example.clean.device, example.subject
        chosen, weights = self._choose(example)
        clean = torch.einsum("kf,bcfhw->bckhw", weights, example.memory)
        shown = torch.cat(
            [
                (1 - level) * clean + level * noise["memory"][:, :, chosen],
                torch.ones_like(clean[:, :MASK_CHANNELS]),
                clean,
            ],
            dim=1,
        )
        noisy = (1 - level) * example.clean + level * noise["shot"]
        parts, text = [shown, torch.cat([noisy, example.condition], dim=1)], example.text
        layout = SequenceLayout(0, tuple(example.times[index] for index in chosen))
        if subject is not None:
            hidden = (1 - level) * subject.clean + level * noise["subject"]
            parts.insert(0, torch.cat([hidden, subject.condition], dim=1))
            text = torch.cat([subject.text, text], dim=1)
            layout = SequenceLayout(1, layout.memory, subject.text.shape[1])
        with autocast(device):
            flow = self.expert.denoise(torch.cat(parts, dim=2), _timestep(level, device), text, layout).float()
        of_shot = flow[:, :, flow.shape[2] - noisy.shape[2] :]
        shot = (of_shot - (noise["shot"] - example.clean)).square().mean()
        found = {"loss": shot, "shot": shot.detach()}
        if subject is not None:
            told = (flow[:, :, :1] - (noise["subject"] - subject.clean)).square().mean()
            found = {"loss": shot + self.weight * told, "shot": shot.detach(), "reconstruction": told.detach()}
        return found, noisy - level * of_shot

    def _choose(self, example: Example) -> tuple[list[int], Tensor]:
        """Return the frames that are shown, in the order of the pool, and each one's weights over the pool."""
        pool, expert, quota = example.memory, self.expert, self.quota
        frames = pool.shape[2]
        if frames <= quota.frames:
            return list(range(frames)), torch.eye(frames, device=pool.device)
        _, rows, columns = expert.config.patch_size
        rotary = expert.rope.at(example.times, pool.shape[3] // rows, pool.shape[4] // columns)
        embed, asked = expert.condition_embedder.text_embedder, expert.keyframe_query.queries
        # As when filming: scores differ in small digits, so they are not left to autocast.
        with torch.autocast(pool.device.type, enabled=False):
            kind = embed.linear_1.weight.dtype
            text, story = (embed(features.to(kind))[0].to(asked) for features in (example.prompt, example.story))
            choice = expert.keyframe_query(pool.to(asked), text, story, rotary, quota)
        order = choice.frames.argsort()
        return choice.frames[order].tolist(), choice.weights[order]


def make_learner(expert: Any, settings: MemoryTraining, stride: int) -> Learner:
    """Return the learner of a policy on an expert from `load_learning_expert`."""
    if settings.policy == "memento":
        return MementoLearner(expert, settings.reconstruction_weight, Quota.of(MEMENTO_FRAMES, settings.queries))
    if settings.policy == "onestory":
        return OneStoryLearner(expert, settings.selection_weight)
    if settings.cached:
        return CachedMemoryLearner(expert, stride)
    return StoryMemLearner(expert, stride)


def draw_noise(example: Example, generator: torch.Generator) -> dict[str, Tensor]:
    """Return noise for every part of an example; drawn on the CPU, so that it is the same on any device.

    The shot's comes first: the same seed gives the same whatever is remembered.
    """
    subject = example.clean[:, :, :1]
    shapes = {"shot": example.clean, "subject": subject, "memory": example.memory}
    return {name: torch.randn(part.shape, generator=generator).to(part.device) for name, part in shapes.items()}


def _timestep(level: float, device: torch.device) -> Tensor:
    return torch.tensor([TIMESTEPS * level], device=device)
