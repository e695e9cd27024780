"""Leads the other processes: every forward of an expert in this one becomes a forward of all.

Hooks of torch's around the whole expert hand its input to the followers and, where guidance is parted, put the two
predictions together; the sampling loop, its noise and its solver stay in this process alone. Between forwards the
followers wait for orders, so an error or a stop there concerns nobody else. One inside of a forward leaves them in the
middle of it: nothing can be given to them any more, and the film ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from filmagent.errors import GenerationError
from filmagent.generation.wan.budget.ladder import RungName
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.parallel.arrangement import Arrangement
from filmagent.generation.wan.parallel.ensemble import Ensemble, lost_connection
from filmagent.generation.wan.parallel.orders import (
    Forward,
    Load,
    Order,
    Reply,
    Rest,
    Split,
    Stop,
    Survey,
    UseLink,
    give,
    give_tensors,
    replies,
)
from filmagent.generation.wan.parallel.sequence import split_experts
from filmagent.schemas.story import LinkKind


class Conductor:
    """The leading process' side. One shot at a time; safe to share between threads."""

    def __init__(self, ensemble: Ensemble) -> None:
        """Lead these processes; the others must `follow`."""
        self.ensemble = ensemble
        self.arrangement = Arrangement(1, ensemble.size)
        self._lock = threading.RLock()
        self._experts: list[Any] = []
        self._in_forward = False
        self._lost = ""

    def survey(self, config: WanConfig, budget: int | None) -> list[RungName]:
        """Return the rungs of the memory ladder that the followers have room for.

        Raises:
            GenerationError: a follower cannot tell, or is gone.
        """
        with self._lock:
            self._experts = []  # the followers give up what they have loaded
            self._give(Survey(config, budget))
            return [each.value for each in self._replies()]

    @contextmanager
    def loading(self, rung: RungName) -> Iterator[None]:
        """Have the followers load the surveyed configuration while the block loads it here.

        Raises:
            GenerationError: a follower cannot load it, or is gone.
        """
        with self._lock:
            self._give(Load(rung))
            try:
                yield
            except Exception:
                self._replies(heed=False)
                raise
            except BaseException:
                self._lost = "loading was broken off"
                raise
            self._replies()

    def split(self, experts: list[Any], arrangement: Arrangement) -> None:
        """Part the work of the experts that were loaded everywhere."""
        with self._lock:
            self._give(Split(arrangement))
            split_experts(experts, self.ensemble, arrangement)
            self._experts, self.arrangement = experts, arrangement

    def use_link(self, link: LinkKind) -> None:
        """Have the followers switch their experts to the adapters of a link."""
        with self._lock:
            self._give(UseLink(link))

    @contextmanager
    def leading(
        self, experts: Sequence[tuple[Any, Callable[[], float]]], negative: Tensor | None, guided: Callable[[], bool]
    ) -> Iterator[None]:
        """Have the followers take part in the experts' forwards, for the time of the block.

        With two branches of guidance, an expert returns the guided prediction of the step: the sampling loop must
        take it as it is.

        Args:
            experts: WanTransformer3DModels called with keyword arguments and `return_dict=False`, each with its scale.
            negative: features of what is guided away from; None: nothing is.
            guided: asked before every forward whether it is guided at all.

        Raises:
            GenerationError: a follower ended, or did not answer in time; or the followers have loaded something else.
        """
        with self._lock, ExitStack() as hooks:
            if [expert for expert, _ in experts] != self._experts:
                raise GenerationError("another generator was loaded on the other GPUs since: use one generator a film")
            for number, (expert, scale) in enumerate(experts):
                for handle in self._hooks(number, expert, scale, negative, guided):
                    hooks.callback(handle.remove)
            try:
                yield
            except BaseException as error:
                if self._in_forward:
                    self._lost = self._lost or f"a forward broke off ({type(error).__name__})"
                if lost_connection(error):
                    raise self._gone(error) from error
                raise
            finally:
                self._in_forward = False
                if not self._lost:
                    self._give(Rest())

    def dismiss(self) -> None:
        """Tell the followers that the work is over; those that cannot hear it any more are left to their launcher."""
        with self._lock:
            if not self._lost:
                self._give(Stop())

    def _hooks(self, number: int, expert: Any, scale: Callable[[], float], negative: Tensor | None,
               guided: Callable[[], bool]) -> list[Any]:
        parted = False

        def hand_out(_: Any, __: tuple[Any, ...], given: dict[str, Any]) -> None:
            nonlocal parted
            parted = self.arrangement.branches == 2 and negative is not None and guided()
            text = given["encoder_hidden_states"]
            away = [negative.to(text)] if parted and negative is not None else []
            tensors = [tensor.to(self.ensemble.device).contiguous()
                       for tensor in (given["hidden_states"], given["timestep"], text, *away)]
            shapes = tuple((tensor.shape, tensor.dtype) for tensor in tensors)
            self._give(Forward(number, expert.rope.memory, expert.rope.stride, parted, shapes))
            self._in_forward = True
            give_tensors(tensors)

        def guide(_: Any, __: tuple[Any, ...], made: tuple[Tensor]) -> tuple[Tensor]:
            wanted = made[0]
            if parted:
                unwanted = torch.empty_like(wanted)
                dist.broadcast(unwanted, src=self.arrangement.span)
                wanted = unwanted + scale() * (wanted - unwanted)
            self._in_forward = False
            return (wanted,)

        return [expert.register_forward_pre_hook(hand_out, with_kwargs=True), expert.register_forward_hook(guide)]

    def _give(self, order: Order) -> None:
        if self._lost:
            raise GenerationError(f"the other GPUs' processes cannot be led any more: {self._lost}; start again")
        try:
            give(self.ensemble, order)
        except RuntimeError as error:
            raise self._gone(error) from error

    def _replies(self, heed: bool = True) -> list[Reply]:
        """Return the followers' replies; unless `heed` is off, a problem of one is an error here."""
        try:
            given = replies(self.ensemble, Reply())
        except RuntimeError as error:
            raise self._gone(error) from error
        for rank, each in enumerate(given):
            if heed and each.problem:
                raise GenerationError(f"GPU {rank}: {each.problem}")
        return given[1:]

    def _gone(self, error: BaseException) -> GenerationError:
        """Return the error that says that a follower is gone, and remember it."""
        self._lost = "one of them ended, or did not answer in time"
        said = str(error).strip().split("\n")[0][:200]
        return GenerationError(f"the process of another GPU ended, or did not answer in time ({said}): "
                               "resume the film; it goes on with the shot in work")
