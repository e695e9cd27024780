"""What a generator can foretell of a shot before it loads a weight: arithmetic, memory, and where it would run.

Named shapes and the Protocols that a generator may fulfil beside `Generator`; one that does not is asked nothing.
Knows no model and no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from filmagent.generation.port import FrameSize


@dataclass(frozen=True)
class ShotShape:
    """What of a shot decides its cost."""

    size: FrameSize
    frames: int
    """Frames to generate, overlap frames included."""
    memory: int
    """Memory frames that it is shown."""


@dataclass(frozen=True)
class ShotCost:
    """The arithmetic of one shot; where several GPUs share it, that of the busiest."""

    tokens: int
    """Length of the sequence that the experts attend over, memory included."""
    forwards: int
    """Forwards of an expert: steps, twice with guidance."""
    denoise_flops: float
    decode_flops: float
    """Floating-point operations (a multiply and an add are two) of all forwards, and of the decoder."""


@dataclass(frozen=True)
class MemoryFit:
    """How a shot is fitted into the memory of this machine."""

    rung: str
    """Name of the rung of the memory ladder."""
    says: str
    """What that rung does, in words."""
    peak_bytes: int
    """Estimated peak: weights that lie there at once, and activations."""
    room_bytes: int
    """What may be used: the budget, or what is free."""


@dataclass(frozen=True)
class MachineRate:
    """How fast this machine multiplies matrices, and how much of that a shot reaches."""

    flops_per_second: float
    efficiency: float
    """Assumed share of that rate, 0 to 1."""
    reason: str
    """Where the share comes from."""


@runtime_checkable
class KnowsCosts(Protocol):
    """A generator that can be estimated."""

    def cost(self, shape: ShotShape) -> ShotCost:
        """Return a shot's arithmetic. Reads configurations and file headers. Raises ModelFilesError."""
        ...

    def fit(self, shape: ShotShape) -> MemoryFit:
        """Return how a shot is fitted into memory. Raises ModelFilesError."""
        ...

    def machine(self) -> str:
        """Return what decides the speed besides arithmetic: device, precision, rung. Raises ModelFilesError."""
        ...

    def measure(self) -> MachineRate:
        """Multiply matrices for about half a second."""
        ...

    def model_bytes(self) -> int:
        """Return how much disk the model's files take. Raises ModelFilesError."""
        ...


@runtime_checkable
class KeepsWithin(Protocol):
    """A generator that can be held to a memory budget."""

    def keep_within(self, budget_bytes: int) -> None:
        """Plan with at most this much memory from the next shot on."""
        ...
