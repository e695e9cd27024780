"""What is done ahead of a shot: the generator hears the prompts to come, and gets ready while a take is remembered.

Nothing of it changes a frame. A generator keeps what it prepares under its content, so that what turns out otherwise
is merely not used. Knows requests and the order of shots; nothing of models.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from filmagent.errors import GenerationCancelledError
from filmagent.generation.port import Frames, GenerationRequest, Generator
from filmagent.graphs.context import FilmContext, frame_size
from filmagent.graphs.orders import order_shot
from filmagent.graphs.state import FilmState
from filmagent.graphs.studio import Studio
from filmagent.schemas.story import Shot, Story

log = logging.getLogger(__name__)


@runtime_checkable
class ExpectsPrompts(Protocol):
    """A generator with a text encoder that is better fetched once a film than once a shot."""

    def expect(self, prompts: Sequence[str]) -> None:
        """Hear which prompts come after the next shot's. Cheap: nothing is encoded before the next `generate`.

        They may be encoded along with that shot's own. Any of them may never come, or come changed; so one that cannot
        be encoded is an error of the shot that brings it, not of this one.
        """
        ...


@runtime_checkable
class Prepares(Protocol):
    """A generator that can get a shot ready before all of its request is known."""

    def prepare(self, request: GenerationRequest) -> None:
        """Do now what `generate` would do for this request before its first step, as far as it can be remembered.

        Called from another thread, never while a shot is made. Loads no models: those that are not there yet may not be
        needed. Stops early, without a word, when `request.cancelled` says so.

        Args:
            request: the shot's but for its memory, which is still being decided.
        """
        ...


def tell_prompts(generator: Generator, story: Story, shots: Sequence[Shot]) -> None:
    """Tell a generator that wants to know which prompts come."""
    if isinstance(generator, ExpectsPrompts):
        generator.expect([generator.translate(story, shot).text for shot in shots])


def shot_after(story: Story, state: FilmState, shot: str) -> Shot | None:
    """Return the shot right behind one, if it is still to be made."""
    ids = [entry.id for entry in story.shots]
    behind = story.shots[ids.index(shot) + 1 :][:1]
    return next((entry for entry in behind if entry.id not in state.get("accepted", {})), None)


def preparation(
    studio: Studio, context: FilmContext, state: FilmState, shot: Shot, seam: Frames | None
) -> Callable[[], None] | None:
    """Return what gets a shot ready; None for a generator that does not prepare.

    Args:
        studio: whose generator is meant.
        context: the film's.
        state: the film's.
        shot: the next one to be made.
        seam: last frames of the take before, as many as its link takes.
    """
    generator = studio.generator(context)
    if not isinstance(generator, Prepares):
        return None
    story = Story.model_validate(state["story"])

    def prepare() -> None:
        capabilities = generator.capabilities
        order = order_shot({**state, "shot": shot.id, "lever": None}, context, capabilities)
        generator.prepare(
            GenerationRequest(
                prompt=generator.translate(story, shot).text,
                link=order.link,
                seed=order.seed,
                size=frame_size(context, capabilities),
                frames=order.frames,
                seam=seam,
                cancelled=studio.cancelled.is_set,
            )
        )

    return prepare


@contextmanager
def alongside(work: Callable[[], None] | None, what: str) -> Iterator[None]:
    """Do something in another thread for the time of the block; the block ends when both have.

    An error of it is logged and goes no further: the call that needs its result meets the cause again.
    """
    if work is None:
        yield
        return

    def guarded() -> None:
        try:
            work()
        except GenerationCancelledError:
            return
        except Exception as error:
            log.warning("%s failed and is done again when it is needed: %s: %s", what, type(error).__name__, error)

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as threads:
        threads.submit(guarded)
        yield
