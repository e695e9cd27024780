"""What is decided: how every shot joins the one before and what it must remember.

Knows nothing of who decided (rules, LLM, person): that is written in the decision itself.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from filmagent.schemas.story import Link, Model

DecidedBy = Literal["rules", "llm", "script", "person"]


class ShotPlan(Model):
    """The director's decision for one shot."""

    shot: str
    """Id of the shot."""
    link: Link
    remember: tuple[str, ...] = ()
    """Ids of the subjects, and of the place, that earlier frames should show for this shot."""
    decided_by: DecidedBy = "rules"
    notes: tuple[str, ...] = ()
    """What the generator cannot do as asked and does instead, such as `astronaut is played by the robot`."""


class Plan(Model):
    """One decision for every shot, in the order of the film."""

    shots: tuple[ShotPlan, ...] = Field(min_length=1)

    def for_shot(self, key: str) -> ShotPlan:
        """Return the decision for the shot with this id; KeyError if there is none."""
        for decision in self.shots:
            if decision.shot == key:
                return decision
        raise KeyError(key)
