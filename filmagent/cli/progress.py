"""Shows a run's events as one progress bar: which shot, which step, how long still. Writes to stderr only.

Knows the events of the graph's nodes; nothing of the nodes themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm


class Progress:
    """A bar over all takes, each counted by its share of steps. Retakes lengthen it; what is on disk counts as done."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._finished = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Take one event."""
        if self._quiet:
            return
        show = getattr(self, f"_on_{event['event']}", None)
        if show is not None:
            show(event)

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        if not self._quiet:
            tqdm.write(text, file=sys.stderr)

    def _on_shot(self, event: Mapping[str, Any]) -> None:
        attempt = f", attempt {event['attempt']}" if event["attempt"] > 1 else ""
        self.say(f"shot {event['index'] + 1}/{event['of']}{attempt} ({event['link']}): {event['caption']}")
        self._finish_take()

    def _on_reused(self, event: Mapping[str, Any]) -> None:
        self.say(f"shot {event['index'] + 1}/{event['of']}: already made")
        self._finish_take()

    def _on_step(self, event: Mapping[str, Any]) -> None:
        if self._bar is None:
            self._bar = tqdm(
                total=float(event["of"] - event["index"]),
                file=sys.stderr,
                dynamic_ncols=True,
                smoothing=0,
                bar_format="{desc} |{bar}| {percentage:3.0f} %, {elapsed} gone, {remaining} left",
            )
        self._bar.set_description_str(
            f"shot {event['index'] + 1}/{event['of']}, step {event['step']}/{event['steps']}", refresh=False
        )
        self._bar.update(self._finished + event["step"] / event["steps"] - self._bar.n)

    def _finish_take(self) -> None:
        """Count the take before as done, once the next one begins."""
        if self._bar is not None:
            self._finished += 1

    def _on_note(self, event: Mapping[str, Any]) -> None:
        self.say(f"  {event['text']}")

    def _on_review(self, event: Mapping[str, Any]) -> None:
        if event["outcome"] != "pass":
            self.say(f"  critic: {event['outcome']}: {event['reason']}")
        if event["outcome"] == "retake" and self._bar is not None:
            self._bar.total += 1
            self._bar.refresh()

    def _on_stale(self, event: Mapping[str, Any]) -> None:
        for entry in event["shots"]:
            self.say(f"{entry['shot']} is made again: {entry['reason']}")

    def _on_assemble(self, event: Mapping[str, Any]) -> None:
        self.say(f"joining {event['shots']} takes")
