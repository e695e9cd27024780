"""Which clips carry burned-in text: subtitles, credits, logos. The vision LLM is asked about several clips at once.

Memento finds subtitles with PaddleOCR and crops them (arXiv 2606.14667, section 3.1); here the model that writes the
captions looks for them, so that no second one is installed, and such clips are dropped whole. Text that shows only
between the frames looked at is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from filmagent.training.curate.answers import KeptAnswers, Turn
from filmagent.training.curate.asking import GivenUpError, ask_until_right, in_parallel
from filmagent.training.curate.clips import KEYFRAMES, ClipFile
from filmagent.training.curate.questions import TEXT, TextSeen, text_order

CLIPS_A_QUESTION = 4


def clips_with_text(
    answers: KeptAnswers, clips: Sequence[ClipFile], workers: int, on_clips: Callable[[int], None] = lambda count: None
) -> dict[int, str]:
    """Return number of the part -> why its clip is dropped, for clips that carry text or could not be judged.

    Raises:
        LLMError: server, key or model are at fault.
    """
    def ask(few: Sequence[ClipFile]) -> dict[int, str]:
        try:
            return _ask(answers, few)
        except GivenUpError as error:
            return {clip.part.number: f"not judged: {error}" for clip in few}

    found: dict[int, str] = {}
    batches = [clips[start:start + CLIPS_A_QUESTION] for start in range(0, len(clips), CLIPS_A_QUESTION)]
    for batch, with_text in zip(batches, in_parallel(ask, batches, workers), strict=True):
        found |= with_text
        on_clips(len(batch))
    return found


def _ask(answers: KeptAnswers, clips: Sequence[ClipFile]) -> dict[int, str]:
    numbers = list(range(1, len(clips) + 1))
    pictures = tuple(clip.picture(frame) for clip in clips for frame in clip.keyframes)
    turns = [Turn("system", TEXT), Turn("user", text_order(numbers, KEYFRAMES), pictures)]

    def problems(seen: TextSeen) -> list[str]:
        given = sorted(shot.shot for shot in seen.shots)
        return [] if given == numbers else [f"you answered for shots {given}; answer for each of {numbers} once"]

    said = ask_until_right(answers, turns, TextSeen, problems)
    return {clips[shot.shot - 1].part.number: f"text over the picture: {shot.seen}"
            for shot in said.shots if shot.overlaid}
