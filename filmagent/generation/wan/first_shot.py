"""StoryMem with a text-to-video model for shots that have nothing to be shown: a film's first, as its authors run it.

The reference makes the first shot in a run of its own with Wan2.2-T2V-A14B (`--t2v_first_shot`), since StoryMem's
experts were trained beside memory. Here both are one generator; only one of the two models is in memory at a time.
Knows which of them makes a shot; nothing of how either does. Importing this loads no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from filmagent.errors import UsageError
from filmagent.generation.costs import MemoryFit, ShotCost, ShotShape
from filmagent.generation.port import Capabilities, GeneratedShot, GenerationRequest
from filmagent.generation.wan.captions import caption_for_wan
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.generator import Translate, WanStoryMemGenerator


class FirstShotFromText(WanStoryMemGenerator):
    """A `Generator` on two configurations: StoryMem's, and one of a text-to-video model of the same size and pace."""

    def __init__(self, config: WanConfig, text: WanConfig, translate: Translate = caption_for_wan) -> None:
        """Keep both configurations; nothing is read. Raises UsageError where their films would not fit together."""
        for name in ("native_size", "frames", "fps"):
            ours, theirs = getattr(config, name), getattr(text, name)
            if ours != theirs:
                raise UsageError(f"{config.name} and {text.name} differ in {name}: {ours} and {theirs}")
        super().__init__(config, translate)
        self.from_text = WanStoryMemGenerator(text, translate)
        # Called once a request was checked: a bad one makes neither give up its models.
        self._make_room, self.from_text._make_room = self.from_text.let_go, self.let_go

    @property
    def capabilities(self) -> Capabilities:
        """StoryMem's, with the models of both."""
        ours = super().capabilities
        return replace(ours, models=tuple(dict.fromkeys((*ours.models, *self.from_text.capabilities.models))))

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """Everything besides the request that changes the frames, of both. Raises ModelFilesError."""
        theirs = {f"first_shot.{name}": value for name, value in self.from_text.fingerprint.items()}
        return {**super().fingerprint, **theirs}

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        """Make one shot: from its words alone where it is shown nothing, else with memory or from frames.

        Raises what `WanStoryMemGenerator.generate` raises.
        """
        if not self._is_from_text(request):
            return super().generate(request)
        made = self.from_text.generate(request)
        note = f"nothing to remember: made from its words by {self.from_text.config.card.name}"
        return replace(made, notes=(*made.notes, note))

    def keep_within(self, budget_bytes: int) -> None:
        """Plan with at most this much memory; the models are loaded anew for the next shot."""
        super().keep_within(budget_bytes)
        self.from_text.keep_within(budget_bytes)

    def cost(self, shape: ShotShape) -> ShotCost:
        """Return a shot's arithmetic; one with memory is taken for StoryMem's, one without for the other's."""
        return super().cost(shape) if shape.memory else self.from_text.cost(shape)

    def fit(self, shape: ShotShape) -> MemoryFit:
        """Return how a shot is fitted into memory, by the model that makes it."""
        return super().fit(shape) if shape.memory else self.from_text.fit(shape)

    def model_bytes(self) -> int:
        """Return how much disk the weights of both take."""
        return super().model_bytes() + self.from_text.model_bytes()

    @staticmethod
    def _is_from_text(request: GenerationRequest) -> bool:
        return request.link == "scene_cut" and not request.memory
