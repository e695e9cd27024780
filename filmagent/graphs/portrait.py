"""A subject alone on plain ground, in words that leave out how it looks: what is drawn must come from memory.

Generators spell attributes out where a shot needs them: Wan in every prompt, papercut where a subject is introduced.
So the portrait is put to the generator's own `translate` in small stories that tell ever less, until no word says how
the subject looks. Pure; knows neither files nor models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from filmagent.generation.port import Generator, ShotPrompt
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import Link, Scene, Shot, Story, Subject
from filmagent.scoring.words import COLOURS, NOUNS, words_of

GROUND = "a plain, empty field"
"""Where the subject stands: plain, and every model has seen it."""
_ID = "reconstruction"


def with_portrait(story: Story, subject: Subject) -> tuple[Story, Shot, ShotPlan]:
    """Return the film with a last shot that shows the subject alone, that shot, and the plan to remember the subject.

    A policy recalls for it as for any shot that comes after all others.
    """
    shots, places = [shot.id for shot in story.shots], [scene.number for scene in story.scenes]
    shot = _portrait(subject, next(_unused(_ID, shots)), max(places) + 1)
    film = story.model_copy(
        update={"scenes": (*story.scenes, Scene(number=shot.scene)), "shots": (*story.shots, shot)}
    )
    link = Link(kind="scene_cut", reason="a picture of the subject alone joins nothing")
    return film, shot, ShotPlan(shot=shot.id, link=link, remember=(subject.id,))


def wording_of(generator: Generator, story: Story, subject: Subject) -> ShotPrompt:
    """Return the portrait in the generator's words, without how the subject looks.

    What the generator cannot help saying is named in the notes.
    """
    wordings = [_worded(generator, small, subject) for small in _stories(story, subject)]
    anyway = words_of(wordings[-1].text)
    for wording in wordings:
        if not (said := _looks_said(wording.text, subject, anyway)):
            return wording
    return ShotPrompt(wording.text, (*wording.notes, f"the prompt says {', '.join(said)}"), wording.identity)


def _stories(story: Story, subject: Subject) -> Iterator[Story]:
    """Give small stories of the subject that tell ever less of it.

    The film's whole cast comes first, because a generator with few figures shares them out among all; then the subject
    alone, because twins are told apart by their looks; only then the looks go, because they may say what it is.
    """
    bare = subject.model_copy(update={"appearance": ""})
    others = [each for each in story.subjects if each.kind != "place"]
    for shown in (subject, bare):
        for cast in (others, [each for each in others if each.id == subject.id]):
            ground = Subject(id=next(_unused("ground", [each.id for each in cast])), name=GROUND, kind="place")
            first, second = (_portrait(subject, key, 1) for key in ("introduction", _ID))
            yield Story(
                title=story.title,
                subjects=(*(shown if each.id == subject.id else each for each in cast), ground),
                scenes=(Scene(number=1, place=ground.id),),
                shots=(first, second),
            )


def _worded(generator: Generator, small: Story, subject: Subject) -> ShotPrompt:
    wording = generator.translate(small, small.shots[-1])
    if wording.identity is not None and wording.identity.subject != subject.id:
        return ShotPrompt(wording.text, wording.notes)
    return wording


def _looks_said(text: str, subject: Subject, anyway: tuple[str, ...]) -> list[str]:
    """Return the words of a prompt that tell how a subject looks; what it is, and its name, are allowed."""
    named = {*words_of(subject.name), *NOUNS, *_what_it_is(subject)}
    looks = (set(words_of(subject.appearance)) - set(anyway)) | set(COLOURS)
    return [word for word in dict.fromkeys(words_of(text)) if word in looks - named]


def _what_it_is(subject: Subject) -> tuple[str, ...]:
    """Return the noun of an appearance: `ball` of `a red ball with stripes`."""
    return words_of(re.split(r"[,;.]|\b(?:with|in|of|who|that|whose|wearing)\b", subject.appearance)[0])[-1:]


def _portrait(subject: Subject, key: str, scene: int) -> Shot:
    name = subject.name[0].upper() + subject.name[1:]
    return Shot(id=key, scene=scene, caption=f"{name} alone in {GROUND}.", subjects=(subject.id,))


def _unused(word: str, taken: list[str]) -> Iterator[str]:
    """Give a word, then the word with numbers behind it, as far as they are not taken."""
    number = 1
    while True:
        candidate = word if number == 1 else f"{word}-{number}"
        if candidate not in taken:
            yield candidate
        number += 1
