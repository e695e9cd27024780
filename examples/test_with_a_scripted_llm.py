"""Test your own app around filmagent: a scripted LLM and a generator that paints in a millisecond.

No server, no key, no weights. Run it as a program or with pytest:

    python -m pytest examples/test_with_a_scripted_llm.py
"""

from __future__ import annotations

from pathlib import Path

from examples.your_own_generator import Sunset
from filmagent import Settings, Studio, make_film
from filmagent.agents.scripted_llm import ScriptedLLM

STORY = {
    "title": "The Letter",
    "overview": "A fox carries a letter over the mountain.",
    "subjects": [
        {"name": "Ember the fox", "kind": "animal", "appearance": "an orange fox with a green scarf"},
        {"name": "the mountain", "kind": "place", "appearance": "grey rocks and snow"},
    ],
    "scenes": [
        {
            "title": "Over the mountain",
            "place": "the mountain",
            "shots": [
                {
                    "caption": "Ember the fox, an orange fox with a green scarf, walks up the mountain. Wide shot.",
                    "subjects": ["Ember the fox"],
                    "shot_size": "wide",
                    "camera": "still",
                    "action": "walks up",
                },
                {
                    "caption": "Ember the fox sleeps on the mountain at night. Close-up.",
                    "subjects": ["Ember the fox"],
                    "shot_size": "close",
                    "camera": "still",
                    "action": "sleeps",
                },
            ],
        }
    ],
}
PLAN = {
    "shots": [
        {"shot": "shot-01", "link": "scene_cut", "reason": "the film opens"},
        {"shot": "shot-02", "link": "scene_cut", "reason": "night falls"},
    ]
}


def test_the_app_films_what_the_llm_wrote(tmp_path: Path) -> None:
    """The LLM is asked twice, for the story and for the plan, and the film tells its story."""
    llm = ScriptedLLM([STORY, PLAN])
    studio = Studio(
        make_llm=lambda settings: llm, make_generator=lambda settings: Sunset(), make_scorers=lambda features: ()
    )
    result = make_film("a fox carries a letter", out=tmp_path / "film", settings=Settings(memory="none"), studio=studio)
    assert result.film is not None
    assert (result.film.title, result.film.shots) == ("The Letter", 2)
    assert len(llm.asked) == 2


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        test_the_app_films_what_the_llm_wrote(Path(folder))
        print("filmed what the LLM wrote")
