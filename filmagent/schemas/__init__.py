"""What everyone passes: stories, plans, takes, reviews, films. Imports nothing heavier than pydantic."""

from filmagent.schemas.plan import Plan, ShotPlan
from filmagent.schemas.story import Link, LinkKind, Scene, Shot, Story, Subject
from filmagent.schemas.take import Film, Lever, MemoryUse, ModelUse, Review, ShotRecord, Take

__all__ = [
    "Film",
    "Lever",
    "Link",
    "LinkKind",
    "MemoryUse",
    "ModelUse",
    "Plan",
    "Review",
    "Scene",
    "Shot",
    "ShotPlan",
    "ShotRecord",
    "Story",
    "Subject",
    "Take",
]
