"""Small stories for tests."""

from __future__ import annotations

from filmagent.schemas.story import Link, LinkKind, Scene, Shot, Story, Subject

MARLOW = Subject(id="marlow", name="Marlow the cat", kind="animal", appearance="an orange cat with a blue scarf")
FOREST = Subject(id="forest", name="the forest", kind="place")


def story(shots: int = 3, links: dict[int, LinkKind] | None = None) -> Story:
    """A story of one cat in one forest; `links` fixes links by shot number."""
    chosen = links or {}
    return Story(
        title="Marlow goes home", subjects=(MARLOW, FOREST), scenes=(Scene(number=1, title="Forest", place="forest"),),
        shots=tuple(
            Shot(id=f"shot-{number:02}", scene=1, subjects=("marlow",), action="walks",
                 caption=f"Marlow the cat walks past tree number {number} in the forest by day.",
                 link=Link(kind=chosen[number], reason="the script says so") if number in chosen else None)
            for number in range(1, shots + 1)
        ),
    )
