"""Where and when a shot happens, in which weather, and what its camera does, in papercut's words.

Knows places and captions; nothing of who is in frame.
"""

from __future__ import annotations

from collections.abc import Sequence

from filmagent.generation.papercut.deeds import direction_of, without_looks
from filmagent.generation.papercut.reading import head_of, known_as, sentences_of, stable_choice, words_of
from filmagent.generation.papercut.synonyms import (
    CAMERA_CLOSES,
    CAMERA_PANS,
    CAMERA_PUSHES,
    HOME_HINTS,
    HOME_WORDS,
    NO_WEATHER_AFTER,
    NO_WEATHER_BEFORE,
    NO_WEATHER_WITH,
    OTHER_CAMERA_MOVES,
    PLACE_WORDS,
    TIME_HINTS,
    TIME_WORDS,
    WEATHER_WORDS,
)
from filmagent.generation.papercut.vocabulary import INDOORS, LAYOUTS, PLACES
from filmagent.schemas.story import Shot, Story

_DEFAULT_TIME = "day"


def place_of(story: Story, shot: Shot) -> tuple[str, tuple[str, ...]]:
    """Return the papercut place, and a note if it is another one than the story names."""
    subject, told = story.place_of(shot), without_looks(story, shot)
    if subject is None:
        texts = [told, story.scene(shot.scene).title]
    else:
        texts = [subject.name, subject.appearance, told]
        # A name's last noun says what it is: a mountain village is a village.
        texts.insert(0, " ".join(reversed(head_of(words_of(subject.name)))))
    for text in texts:
        words = words_of(text)
        if text is told:
            # A caption may pass a path and a house on its way through the forest.
            words.sort(key=lambda word: known_as(word, PLACES) is None)
        for word in words:
            if base := known_as(word, PLACE_WORDS):
                place = PLACE_WORDS[base]
                return place, () if base == place else (f"{base} is played by the {place}",)
            if base := known_as(word, HOME_WORDS):
                place = _home(texts)
                return place, () if base == place else (f"{base} is played by the {place}",)
    name = _name_of_place(story, shot)
    place = stable_choice(name, PLACES)
    return place, (f"{name} is played by the {place}",)


def layout_of(story: Story, shot: Shot) -> str:
    """Which arrangement plays the story's place: the same whenever the story returns to it."""
    return stable_choice(_name_of_place(story, shot), LAYOUTS)


def _name_of_place(story: Story, shot: Shot) -> str:
    place = story.place_of(shot)
    return place.name if place else story.scene(shot.scene).title or f"scene {shot.scene}"


def _home(texts: Sequence[str]) -> str:
    """The room that a home's words speak of first; else the living room."""
    said = [HOME_HINTS[base] for text in texts for word in words_of(text) if (base := known_as(word, HOME_HINTS))]
    return said[0] if said else "home"


def time_of(story: Story, shot: Shot) -> str:
    """The time that the caption names last, so that words put behind a caption count; else the scene's, else day."""
    for text in _texts(story, shot):
        words = words_of(text)
        for table in (TIME_WORDS, TIME_HINTS):
            if named := [table[word] for word in words if word in table]:
                return named[-1]
    return _DEFAULT_TIME


def weather_of(story: Story, shot: Shot, place: str) -> str:
    """The weather that the caption names last; else the scene's or the place's, else clear. Indoors it is clear."""
    if place not in INDOORS:
        for text in _texts(story, shot):
            if named := [weather for words in sentences_of(text) for weather in _weathers(words)]:
                return named[-1]
    return "clear"


def _weathers(words: Sequence[str]) -> list[str]:
    if NO_WEATHER_WITH & {*words}:
        return []
    found = []
    for index, word in enumerate(words):
        before, after = words[max(0, index - 2) : index], words[index + 1 : index + 2]
        if word == "clouds" and before[-1:] in (["dark"], ["black"], ["storm"]):
            found.append("rain")
        elif word in WEATHER_WORDS and not NO_WEATHER_AFTER & {*before} and not NO_WEATHER_BEFORE & {*after}:
            found.append(WEATHER_WORDS[word])
    return found


def camera_of(shot: Shot) -> tuple[str, tuple[str, ...]]:
    """Return the camera's word, and a note if it does something else than the story says.

    The shot's own camera counts before its caption; a pan goes where the caption says, else with the action.
    """
    spoken = [words[words.index("camera") :] for words in sentences_of(shot.caption) if "camera" in words]
    if shot.camera == "push_in":
        return "in", ()
    if shot.camera == "still":
        if any(_pushes_in(words) for words in (*spoken, *sentences_of(shot.caption))):
            return "in", ()
        strange = next((word for words in spoken for word in words if word in OTHER_CAMERA_MOVES), None)
        if not any(CAMERA_PANS & {*words} for words in spoken):
            return "still", (f"the camera stands still; in the story it {strange}",) if strange else ()
    sides = [word for words in spoken if CAMERA_PANS & {*words} for word in words if word in ("left", "right")]
    return (sides[0] if sides else direction_of(shot)), ()


def _pushes_in(words: Sequence[str]) -> bool:
    """`pushes in`, `dolly in`, `moves slowly closer`; anybody moves and closes in, so that this must be the camera."""
    moves = CAMERA_PUSHES | CAMERA_CLOSES if words[0] == "camera" else CAMERA_PUSHES
    return any(word in moves and {"in", "closer"} & {*words[i + 1 : i + 3]} for i, word in enumerate(words))


def _texts(story: Story, shot: Shot) -> list[str]:
    place = story.place_of(shot)
    return [
        without_looks(story, shot),
        story.scene(shot.scene).title,
        *([place.name, place.appearance] if place else []),
    ]
