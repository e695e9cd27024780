"""Film a given shot list exactly: a story file in StoryMem's format, or filmagent's own.

python examples/film_a_story_file.py
"""

from __future__ import annotations

from pathlib import Path

from filmagent import Settings, make_film
from filmagent.schemas.story_files import read_story_file

SCRIPT = Path(__file__).with_name("lantern.json")


def main(out: str = "runs/lantern", generator: str = "papercut") -> Path:
    """Film the script and return the film's file."""
    story = read_story_file(SCRIPT)
    for shot in story.shots:
        print(shot.id, shot.link.kind if shot.link else "the director decides", "|", shot.caption)
    return make_film(story=story, out=out, settings=Settings(generator=generator)).film_path


if __name__ == "__main__":
    print(main())
