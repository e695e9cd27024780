"""StoryMem's and Wan2.2's own generators on several GPUs. Importing this loads no torch.

This process reads requests, encodes, samples and decodes as with one GPU; the others take part in the experts'
forwards. The frames are those of one GPU, but for the order of sums. Knows what can be parted and what cannot, and
says so before anything is loaded.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from filmagent.errors import GenerationError, UsageError
from filmagent.generation.costs import MachineRate, MemoryFit, ShotCost, ShotShape
from filmagent.generation.port import GenerationRequest, Generator
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.generator import ShotInWork, Translate, WanStoryMemGenerator
from filmagent.generation.wan.parallel.arrangement import Arrangement, arrange

if TYPE_CHECKING:
    from torch import Tensor

    from filmagent.generation.wan.models import LoadedModels, Placement
    from filmagent.generation.wan.parallel.conductor import Conductor


def on_several_gpus(generator: Generator, conductor: Conductor) -> Generator:
    """Return the same generator on all GPUs that a conductor leads; cheap, nothing is loaded.

    Raises:
        UsageError: this generator, its speed options or its attention heads cannot be parted among so many.
        ModelFilesError: the experts' configuration is missing or broken.
    """
    config = check_can_be_parted(generator)
    arrangement = arrange(conductor.ensemble.size, heads_of(config), config.sampling.guidance > 1)
    if arrangement.span > 1 and config.speed.attention is not None:
        from filmagent.generation.wan.parallel.sequence import check_kernel

        check_kernel(config.speed.attention)
    return ConductedGenerator(config, generator.translate, conductor, arrangement)


def check_can_be_parted(generator: Generator) -> WanConfig:
    """Return the configuration of a generator whose shots can be made on several GPUs; UsageError for any other."""
    if type(generator) is not WanStoryMemGenerator:
        raise UsageError(
            f"--gpus: {generator.capabilities.name} films on one GPU: only wan2.2, wan2.2-storymem and wan-storymem "
            "can be parted (Memento and OneStory choose memory and cut the sequence within their experts); leave it "
            "out, or choose one of these"
        )
    speed = generator.config.speed
    if speed.cache is not None:
        raise UsageError(f"--gpus: with a {speed.cache.name}, every GPU would skip other blocks; choose one of the two")
    if speed.joint_guidance:
        raise UsageError("--gpus parts the branches of guidance itself: leave joint guidance out")
    if speed.compiled:
        raise UsageError("--gpus: compiled blocks are not parted; choose one of the two")
    return generator.config


def heads_of(config: WanConfig) -> int:
    """Return the attention heads of a configuration's experts. Raises ModelFilesError."""
    from filmagent.generation.wan.weights.checkpoints import part_config

    return int(part_config(config.folder, "transformer", config.how_to_get)["num_attention_heads"])


class ConductedGenerator(WanStoryMemGenerator):
    """A `Generator` whose forwards run on several GPUs. All of them lie on the same rung of the memory ladder."""

    def __init__(self, config: WanConfig, translate: Translate, conductor: Conductor, arrangement: Arrangement) -> None:
        """Keep the configuration; nothing is read, and no other process is asked."""
        super().__init__(config, translate)
        self._conductor, self._arrangement = conductor, arrangement

    def machine(self) -> str:
        """Return what decides the speed, the number of GPUs and their arrangement included."""
        return f"{super().machine()}, {self._arrangement.size} GPUs ({self._arrangement})"

    def cost(self, shape: ShotShape) -> ShotCost:
        """Return the arithmetic of the first GPU: its part of the forwards, and decoding, which is its own alone.

        A part of the sequence counts as its share of a forward. The text's keys and values, which every GPU computes
        whole, are 0.1 % of a forward of A14B.
        """
        whole, parted = super().cost(shape), self._arrangement
        # With parted guidance every GPU makes one forward a step, in steps that are not guided as well.
        forwards = self.config.sampling.steps if parted.branches == 2 else whole.forwards
        share = forwards / whole.forwards / parted.span
        return replace(whole, forwards=forwards, denoise_flops=whole.denoise_flops * share)

    def fit(self, shape: ShotShape) -> MemoryFit:
        """Return the rung that all GPUs lie on, and what one takes that has all weights and the whole sequence."""
        alone = super().fit(shape)
        return replace(alone, says=f"{alone.says}; the same on every GPU, each counted with the whole sequence")

    def measure(self) -> MachineRate:
        """Multiply matrices for about half a second on the first GPU."""
        alone = super().measure()
        return replace(alone, reason=f"{alone.reason}; what the GPUs hand each other is not counted")

    def _placement(self) -> Placement:
        """Return where the models lie, on the lowest rung that any of the GPUs needs."""
        from filmagent.generation.wan.budget.ladder import ladder_on

        if self._placed is None:
            placed = super()._placement()
            names = [placed.rung.name, *self._conductor.survey(self.config, self._budget)]
            lowest = [rung for rung in ladder_on(placed.precision.device) if rung.name in names][-1]
            self._placed = placed if lowest == placed.rung else replace(placed, rung=lowest, needed=0)
        return self._placed

    def _load(self) -> LoadedModels:
        if self._models is None:
            placement = self._placement()
            placement.check_budget()
            with self._conductor.loading(placement.rung.name):
                pipeline = super()._load().pipeline
            self._conductor.split(pipeline.experts(), self._arrangement)
            pipeline.conductor = self._conductor
        models: LoadedModels = super()._load()
        return models

    def _denoise(self, request: GenerationRequest, models: LoadedModels, work: ShotInWork) -> Tensor:
        """Return a shot's denoised latents (1, 16, T, h, w), on the CPU."""
        self._conductor.use_link(request.link)
        return super()._denoise(request, models, work)

    def _step_down(self, request: GenerationRequest, work: ShotInWork, trouble: str) -> None:
        """Raise GenerationError: the other GPUs may be in the middle of a forward, and cannot step down with this."""
        from filmagent.generation.wan.parallel.follower import out_of_memory

        self._give_up_models()
        raise GenerationError(out_of_memory(f"GPU 0, {work.stage}", RuntimeError(trouble)))
