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
    """A bar over all steps of all shots. Retakes lengthen it; what was already on disk counts as done."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._steps_a_shot = 0

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

    def _on_reused(self, event: Mapping[str, Any]) -> None:
        self.say(f"shot {event['index'] + 1}/{event['of']}: already made")

    def _on_step(self, event: Mapping[str, Any]) -> None:
        if self._bar is None:
            self._steps_a_shot = event["steps"]
            left = event["of"] - event["index"]
            self._bar = tqdm(
                total=left * event["steps"],
                file=sys.stderr,
                unit="step",
                dynamic_ncols=True,
                bar_format="{desc} |{bar}| {n_fmt}/{total_fmt} steps, {elapsed} gone, {remaining} left",
            )
        self._bar.set_description_str(
            f"shot {event['index'] + 1}/{event['of']}, step {event['step']}/{event['steps']}", refresh=False
        )
        self._bar.update(1)

    def _on_note(self, event: Mapping[str, Any]) -> None:
        self.say(f"  {event['text']}")

    def _on_review(self, event: Mapping[str, Any]) -> None:
        if event["outcome"] != "pass":
            self.say(f"  critic: {event['outcome']}: {event['reason']}")
        if event["outcome"] == "retake" and self._bar is not None:
            self._bar.total += self._steps_a_shot
            self._bar.refresh()

    def _on_stale(self, event: Mapping[str, Any]) -> None:
        for entry in event["shots"]:
            self.say(f"{entry['shot']} is made again: {entry['reason']}")

    def _on_assemble(self, event: Mapping[str, Any]) -> None:
        self.say(f"joining {event['shots']} takes")
