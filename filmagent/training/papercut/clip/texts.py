"""What can be said about a papercut shot in words, and whether a sentence is true of it. Knows no model.

Because the world's truth is known, a sentence that happens to be true of several pictures of a batch is never
counted as false for any of them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from filmagent.generation.papercut.vocabulary import (
    COLOURS,
    GARMENT_COLOURS,
    INDOORS,
    KINDS,
    MOVING_ACTIONS,
    PATTERN_COLOURS,
    PLACES,
    TIMES,
    WEATHERS,
    WORDINGS,
    Role,
    compose,
    words,
)
from filmagent.training.papercut.captions import describe
from filmagent.training.papercut.world import Figure, Performance, Setting, ShotScript

UNKNOWN = "[UNK]"
EXTRA_WORDS = ("an",)
"""Words of short statements that no shot's caption holds."""
UNKNOWN_SHARE = 0.15
ATTRIBUTES = ("build", "colour", "pattern", "garment")


@dataclass(frozen=True)
class Statement:
    """A sentence and what it claims; None: unsaid. An action of '' is unsaid too."""

    text: str
    size: str | None = None
    place: str | None = None
    time: str | None = None
    weather: str | None = None
    mentions: tuple[Role, ...] = ()
    complete: bool = False
    """The mentions are everybody in frame, from left to right."""


def vocabulary() -> tuple[str, ...]:
    """Every word that a statement can hold, sorted."""
    return tuple(sorted({*words(), *EXTRA_WORDS}))


def holds(statement: Statement, script: ShotScript) -> bool:
    """Whether a statement is true of a shot."""
    for said, true in (
        (statement.size, script.size),
        (statement.place, script.setting.place),
        (statement.time, script.time),
        (statement.weather, script.weather),
    ):
        if said is not None and said != true:
            return False
    parts = script.performances
    if statement.complete:
        return len(parts) == len(statement.mentions) and all(
            _fits(mention, script, part) for mention, part in zip(statement.mentions, parts, strict=True)
        )
    return all(any(_fits(mention, script, part) for part in parts) for mention in statement.mentions)


def statement(script: ShotScript, rng: random.Random) -> Statement:
    """A sentence that is true of a shot: its caption, or something about the place or about who is in it."""
    form = rng.random()
    if form < 0.5:
        said = _caption(script, rng)
    elif form < 0.65 or not script.performances:
        said = _about_place(script, rng)
    else:
        said = _about_figures(script, rng)
    return _with_unknown_words(said, rng)


def variations(script: ShotScript, rng: random.Random, count: int) -> list[ShotScript]:
    """Shots that differ from this one in one thing each: the setting, or one attribute of one figure."""
    changes = ["place", "time", "weather"]
    if script.performances:
        changes += ["kind", "kind", "colour", "colour", "garment colour", "pattern colour"]
    return [_changed(script, rng.choice(changes), rng) for _ in range(count)]


def _caption(script: ShotScript, rng: random.Random) -> Statement:
    said = describe(script, rng if rng.random() < 0.75 else None)
    text = compose(said, rng.randrange(WORDINGS))
    return Statement(text, said.size, said.place, said.time, said.weather, said.roles, complete=True)


def _about_place(script: ShotScript, rng: random.Random) -> Statement:
    place, time, weather = script.setting.place, script.time, script.weather
    form = rng.randrange(5)
    if form == 0:
        return Statement(f"the {place}", place=place)
    if form == 1:
        return Statement(place, place=place)
    if form == 2:
        return Statement(f"{script.size} shot of the {place}", size=script.size, place=place)
    if form == 3 and weather != "clear":
        return Statement(f"the {place} in the {weather}", place=place, weather=weather)
    return Statement(f"the {place} at {time}", place=place, time=time)


def _about_figures(script: ShotScript, rng: random.Random) -> Statement:
    figures = [script.figures[part.subject] for part in script.performances]
    rng.shuffle(figures)
    if len(figures) > 1 and rng.random() < 0.7:
        figures = figures[:1]
    mentions = tuple(_mention(figure, rng) for figure in figures)
    text = " and ".join(_phrase(mention, rng) for mention in mentions)
    if rng.random() < 0.2:
        place = script.setting.place
        return Statement(f"{text} {rng.choice(('in', 'at'))} the {place}", place=place, mentions=mentions)
    return Statement(text, mentions=mentions)


def _mention(figure: Figure, rng: random.Random) -> Role:
    """The figure with none, one or two of its attributes."""
    said = rng.sample(ATTRIBUTES, rng.choice((0, 1, 1, 1, 2)))
    role = Role(figure.kind, "")
    if "build" in said:
        role = replace(role, build=figure.build)
    if "colour" in said:
        role = replace(role, colour=figure.colour)
    if "pattern" in said:
        role = replace(role, pattern=figure.pattern, pattern_colour=figure.pattern_colour)
    if "garment" in said:
        role = replace(role, garment=figure.garment, garment_colour=figure.garment_colour)
    return role


def _phrase(role: Role, rng: random.Random) -> str:
    noun = " ".join(word for word in (role.build, role.colour, role.kind) if word)
    article = rng.choice(("the", "an" if noun[0] in "aeio" else "a"))
    marks = [f"{role.pattern_colour} {role.pattern}"] if role.pattern else []
    if role.garment:
        marks.append(f"a {role.garment_colour} {role.garment}")
    return f"{article} {noun}" + (f" with {' and '.join(marks)}" if marks else "")


def _with_unknown_words(said: Statement, rng: random.Random) -> Statement:
    """Now and then put words between that the model does not know: they must change nothing."""
    if rng.random() >= UNKNOWN_SHARE:
        return said
    parts = said.text.split()
    for _ in range(rng.randint(1, 3)):
        parts.insert(rng.randint(0, len(parts)), UNKNOWN)
    return replace(said, text=" ".join(parts))


def _fits(mention: Role, script: ShotScript, part: Performance) -> bool:
    figure = script.figures[part.subject]
    if mention.kind != figure.kind:
        return False
    for name in ("build", "colour", "pattern", "pattern_colour", "garment", "garment_colour"):
        said = getattr(mention, name)
        if said is not None and said != getattr(figure, name):
            return False
    if mention.action and mention.action != part.action:
        return False
    if mention.direction is None or part.action not in MOVING_ACTIONS:
        return True
    return mention.direction == ("left", "right")[part.facing > 0]


def _changed(script: ShotScript, what: str, rng: random.Random) -> ShotScript:
    if what == "place":
        place = _another(PLACES, script.setting.place, rng)
        weather = "clear" if place in INDOORS else script.weather
        return replace(script, setting=Setting(place, script.setting.layout), weather=weather)
    if what == "weather" and script.setting.place not in INDOORS:
        return replace(script, weather=_another(WEATHERS, script.weather, rng))
    if what in ("time", "weather"):
        return replace(script, time=_another(TIMES, script.time, rng))
    index = rng.choice(script.performances).subject
    figure = script.figures[index]
    taken = {other.kind for other in script.figures}
    if what == "kind":
        changed = replace(figure, kind=rng.choice([kind for kind in KINDS if kind not in taken]))
    elif what == "garment colour":
        changed = replace(figure, garment_colour=_another(GARMENT_COLOURS, figure.garment_colour, rng))
    elif what == "pattern colour" and figure.pattern_colour:
        changed = replace(figure, pattern_colour=_another(PATTERN_COLOURS, figure.pattern_colour, rng))
    else:
        changed = replace(figure, colour=_another(COLOURS, figure.colour, rng))
    figures = (*script.figures[:index], changed, *script.figures[index + 1 :])
    return replace(script, figures=figures)


def _another(choices: tuple[str, ...], present: str, rng: random.Random) -> str:
    return rng.choice([choice for choice in choices if choice != present])
