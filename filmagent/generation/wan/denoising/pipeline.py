"""Denoises a shot with memory in front: StoryMem on diffusers' own Wan2.2 pipeline.

The loop, the switch between the two experts, guidance, offload and decoding stay the stock pipeline's. Added are the
negative positions of memory, the noise in front of the shot, the ready-made condition, and the cut that keeps memory
out of the decoder; and, where they are asked for, the speed options. With no memory and no such option the result is
the stock pipeline's with the same solver, bit for bit.

StoryMem denoises memory positions too, from pure noise, with the timestep of all other tokens; memory itself is clean
and only in the condition. Knows tensors; nothing of prompts' words, pictures or files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from filmagent.errors import GenerationCancelledError, GenerationError, ModelFilesError
from filmagent.generation.wan.denoising.conditions import ShotCondition
from filmagent.generation.wan.denoising.history import history_guidance
from filmagent.generation.wan.denoising.rope import MemoryRope, install_memory_rope, memory_positions
from filmagent.generation.wan.fast.caches import start_caches, start_measuring
from filmagent.generation.wan.fast.guidance import joint_guidance
from filmagent.generation.wan.fast.options import PLAIN, SpeedOptions
from filmagent.generation.wan.library import WanImageToVideoPipeline, get_module_execution_device, randn_tensor

if TYPE_CHECKING:
    from filmagent.generation.wan.parallel.conductor import Conductor

MASK_CHANNELS = 4


def _never() -> bool:
    return False


class WanMemoryPipeline(WanImageToVideoPipeline):  # type: ignore[misc]  # diffusers has no types
    """The stock image-to-video pipeline, conditioned on memory frames as well."""

    speed: SpeedOptions = PLAIN
    """Of these, the loop sees to guidance and caches."""
    measures: bool = False
    """Measure a magnitude cache instead of using one; see `filmagent.generation.wan.fast.calibration`."""
    conductor: Conductor | None = None
    """Has the processes of other GPUs take part in the experts' forwards; None: there are none."""
    _condition: ShotCondition | None = None
    _guided_by_memory: bool = False
    _current_timestep: Tensor | None = None

    def register_modules(self, **modules: Any) -> None:
        """Take in the models; memory positions are installed at once, before any hook can be."""
        super().register_modules(**modules)
        for expert in self.experts():
            install_memory_rope(expert)

    @torch.no_grad()
    def make_shot(
        self,
        condition: ShotCondition,
        *,
        prompt_embeds: Tensor,
        negative_prompt_embeds: Tensor | None,
        steps: int,
        guidance: float,
        guidance_2: float | None = None,
        guided_by_memory: bool = False,
        memory_stride: int = 5,
        generator: torch.Generator | None = None,
        latents: Tensor | None = None,
        keep_memory: bool = False,
        output_type: str = "np",
        on_step: Callable[[int, int], None] = lambda step, steps: None,
        cancelled: Callable[[], bool] = _never,
    ) -> Any:
        """Denoise and decode one shot.

        Args:
            condition: what the experts are shown, from `ConditionEncoder`.
            prompt_embeds: text features (1, tokens, width); `negative_prompt_embeds` alike, used if guidance > 1.
            steps: denoising steps.
            guidance: scale of the high-noise expert; `guidance_2` of the low-noise one (None: the same).
            guided_by_memory: guide away from a shot that is shown no memory, instead of one that is; see `history`.
            memory_stride: latent positions between neighbouring memory frames.
            generator: source of the noise. The shot's noise is drawn before the memory's: the same seed gives the
                same shot noise whatever is remembered.
            latents: the noise itself, (1, 16, memory + T, h, w), instead of drawing it.
            keep_memory: leave the memory positions in the result; only with `output_type="latent"`.
            output_type: `np`: float32 frames (1, F, H, W, 3) from 0 to 1; `latent`: (1, 16, T, h, w).
            on_step: called after every step with (steps done, steps in all).
            cancelled: asked after every step.

        Raises:
            GenerationCancelledError: `cancelled` said so.
            GenerationError: the result holds values that are not numbers, or memory does not fit the positions.
            ModelFilesError: these experts cannot be conditioned this way.
            UsageError: the cache of the speed options does not fit the steps.
        """
        self._check_experts(condition)
        known = condition.latents.shape
        scale = self.vae_scale_factor_spatial
        height, width = known[3] * scale, known[4] * scale

        def after_step(_: Any, step: int, __: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            on_step(step + 1, self.num_timesteps)
            if cancelled():
                raise GenerationCancelledError(f"stopped after step {step + 1} of {self.num_timesteps}")
            if step + 1 < self.num_timesteps:
                return {}
            if not torch.isfinite(tensors["latents"]).all():
                raise GenerationError("the experts made values that are no numbers: fetch the model's files again")
            return {} if keep_memory else {"latents": tensors["latents"][:, :, condition.memory :]}

        self._start_caches(steps)
        self._condition = condition
        self._guided_by_memory = guided_by_memory
        try:
            with (
                memory_positions(self._ropes(), condition.memory, memory_stride),
                _told_the_time(self.experts()),
                self._guidance(guidance, prompt_embeds, negative_prompt_embeds),
            ):
                return super().__call__(
                    image=torch.zeros(1, 3, height, width),  # the stock code asks for one; the condition replaces it
                    height=height,
                    width=width,
                    num_frames=(known[2] - condition.memory - 1) * self.vae_scale_factor_temporal + 1,
                    prompt_embeds=prompt_embeds,
                    negative_prompt_embeds=negative_prompt_embeds,
                    num_inference_steps=steps,
                    guidance_scale=guidance,
                    guidance_scale_2=guidance_2 if self.config.boundary_ratio is not None else None,
                    generator=generator,
                    latents=latents,
                    output_type=output_type,
                    callback_on_step_end=after_step,
                    max_sequence_length=prompt_embeds.shape[1],
                ).frames
        finally:
            self._condition = None
            self._guided_by_memory = False
            self.maybe_free_model_hooks()  # the stock code frees them only when nothing was raised

    @torch.no_grad()
    def decode_shot(self, latents: Tensor) -> Any:
        """Decode latents (1, 16, T, h, w) to float32 frames (1, F, H, W, 3) from 0 to 1, as the stock pipeline does."""
        config, vae = self.vae.config, self.vae
        latents = latents.to(get_module_execution_device(vae), vae.dtype)
        means, deviations = (
            torch.tensor(values).view(1, config.z_dim, 1, 1, 1).to(latents)
            for values in (config.latents_mean, config.latents_std)
        )
        try:
            # Divided by the inverse, as the stock code does: equal to the last bit.
            video = vae.decode(latents / (1.0 / deviations) + means, return_dict=False)[0]
            return self.video_processor.postprocess_video(video, output_type="np")
        finally:
            self.maybe_free_model_hooks()

    @property
    def do_classifier_free_guidance(self) -> bool:
        """Whether the stock loop guides by a second forward, now."""
        parted = self.conductor is not None and self.conductor.arrangement.branches == 2
        return self._is_guided() and not (self.speed.joint_guidance or parted or self._guided_by_memory)

    @property
    def _execution_device(self) -> torch.device:
        """Where the experts compute; the text encoder may lie elsewhere."""
        device: torch.device = get_module_execution_device(self.transformer)
        return device

    def prepare_latents(
        self, image: Tensor, batch_size: int, num_channels_latents: int = 16, height: int = 480, width: int = 832,
        num_frames: int = 81, dtype: torch.dtype | None = None, device: torch.device | None = None,
        generator: torch.Generator | None = None, latents: Tensor | None = None, last_image: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the noise to start from and the condition, both with memory in front."""
        if self._condition is None:
            raise GenerationError("call make_shot: a shot needs its condition")
        condition, memory = self._condition.latents.to(device, dtype), self._condition.memory
        if self._reads_text_alone():
            condition = condition[:, :0]  # the stock loop joins it to the noise
        if latents is not None:
            return latents.to(device, dtype), condition
        shape = (batch_size, num_channels_latents, condition.shape[2] - memory, *condition.shape[3:])
        noise = randn_tensor(shape, generator, device, dtype)
        if memory:
            in_front = randn_tensor((*shape[:2], memory, *shape[3:]), generator, device, dtype)
            noise = torch.cat([in_front, noise], dim=2)
        return noise, condition

    def experts(self) -> list[Any]:
        """Return the experts that there are, the high-noise one first."""
        found = (getattr(self, "transformer", None), getattr(self, "transformer_2", None))
        return [expert for expert in found if expert is not None]

    def steps_of_experts(self, steps: int) -> list[int]:
        """Return how many of a shot's steps each expert makes."""
        self.scheduler.set_timesteps(steps)
        if len(self.experts()) == 1:
            return [steps]
        boundary = self.config.boundary_ratio * self.scheduler.config.num_train_timesteps
        high = int((self.scheduler.timesteps >= boundary).sum())
        return [high, steps - high]

    def _start_caches(self, steps: int) -> None:
        experts, cache = self.experts(), self.speed.cache
        if self.measures:
            start_measuring(experts, self.steps_of_experts(steps))
        else:
            start_caches(experts, cache, () if cache is None else self.steps_of_experts(steps))

    def _is_guided(self) -> bool:
        """Whether the step at work is guided; outside of a step, whether any is."""
        interval, now = self.speed.guidance_interval, self._current_timestep
        if self._guidance_scale <= 1 or interval is None or now is None:
            return bool(self._guidance_scale > 1)
        level: float = float(now) / self.scheduler.config.num_train_timesteps
        return interval[0] <= level <= interval[1]

    def _guidance(self, scale: float, prompt: Tensor, negative: Tensor | None) -> AbstractContextManager[None]:
        """Guide within the experts' forwards, or on other GPUs, if that is asked for; otherwise the stock loop does."""
        scales = (lambda: self._guidance_scale, lambda: self._guidance_scale_2 or self._guidance_scale)
        experts = list(zip(self.experts(), scales, strict=False))
        if self.conductor is not None:
            if negative is None and scale > 1:
                raise GenerationError("guidance on several GPUs needs negative text features")
            return self.conductor.leading(experts, negative, self._is_guided)
        if scale <= 1 or not (self.speed.joint_guidance or self._guided_by_memory):
            return nullcontext()
        if self._guided_by_memory:
            if self.speed.joint_guidance:
                raise GenerationError("guidance by memory: its branches differ in length; leave joint guidance out")
            if negative is None or self._condition is None:
                raise GenerationError("guidance by memory needs negative text features")
            return history_guidance(experts, negative, self._condition.memory, self._is_guided)
        if negative is None or negative.shape != prompt.shape:
            raise GenerationError("joint guidance needs negative text features as long as those of the prompt")
        return joint_guidance(experts, negative, self._is_guided)

    def _ropes(self) -> list[MemoryRope]:
        return [install_memory_rope(expert) for expert in self.experts()]

    def _reads_text_alone(self) -> bool:
        """Whether the experts are text-to-video ones (Wan2.2-T2V-A14B's kind), which are shown no pictures."""
        return all(expert.config.in_channels == self.vae.config.z_dim for expert in self.experts())

    def _check_experts(self, condition: ShotCondition) -> None:
        """Refuse experts that read anything but noise, mask and latents; or noise alone, when nothing is shown."""
        channels = self.vae.config.z_dim
        wanted = channels + MASK_CHANNELS + channels
        if self._reads_text_alone():
            if condition.latents[:, :MASK_CHANNELS].any():
                raise ModelFilesError(
                    "text-to-video experts see neither memory nor the shot before; that needs a Wan2.2 image-to-video "
                    "expert (such as Wan2.2-I2V-A14B)"
                )
            wanted = channels
        for expert in self.experts():
            if expert.config.in_channels != wanted or expert.config.image_dim is not None:
                raise ModelFilesError(
                    f"an expert reads {expert.config.in_channels} channels"
                    f"{' and CLIP images' if expert.config.image_dim is not None else ''}; memory needs a Wan2.2 "
                    f"image-to-video expert with {wanted} channels and none (such as Wan2.2-I2V-A14B)"
                )
        if self.config.expand_timesteps:
            raise ModelFilesError("this pipeline expands timesteps (TI2V-5B); memory needs Wan2.2-I2V-A14B's kind")


@contextmanager
def _told_the_time(experts: list[Any]) -> Iterator[None]:
    """Hand experts their timestep where their latents lie: the schedule keeps it on the CPU, and waits for no card."""

    def bring(_: Any, arguments: tuple[Any, ...], given: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        there = given["hidden_states"].device
        return arguments, {**given, "timestep": given["timestep"].to(there, non_blocking=True)}

    with ExitStack() as hooks:
        for expert in experts:
            hooks.callback(expert.register_forward_pre_hook(bring, with_kwargs=True).remove)
        yield
