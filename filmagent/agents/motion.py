"""How fast a shot moves, read from its words. Knows English verbs; nothing of links or generators."""

from __future__ import annotations

import re

from filmagent.schemas.story import Shot

_FAST = re.compile(
    r"\b(?:runs?|running|chas(?:es?|ing)|races?|racing|rush(?:es)?|rushing|sprints?|sprinting|gallops?|galloping"
    r"|dash(?:es)?|dashing|leaps?|leaping|jumps?|jumping|fl(?:y|ies|ying)|dances?|dancing|spins?|spinning|falls? down"
    r"|dives?|diving|swims? fast|rolls? fast|sails? fast|flees?|speeds?|fights?|whirls?|tumbles?)\b",
    re.IGNORECASE,
)


def is_fast(shot: Shot) -> bool:
    """Whether the shot's main action is fast; its action counts, or its caption where no action is given."""
    return _FAST.search(shot.action or shot.caption) is not None


def camera_moves(shot: Shot) -> bool:
    """Whether the camera pans or pushes in."""
    return shot.camera != "still"
