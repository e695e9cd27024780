"""What can be said about a papercut shot in words, and whether a sentence is true of it. Knows no model.

Because the world's truth is known, a sentence that happens to be true of several pictures of a batch is never
counted as false for any of them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from filmagent.generation.papercut.vocabulary import (
    COLOURS,
    KINDS,
    MOVING_ACTIONS,
    PLACES,
    SCARF_COLOURS,
    TIMES,
    parse,
    words,
)
from filmagent.training.papercut.captions import caption
from filmagent.training.papercut.world import Figure, Performance, ShotScript

UNKNOWN = "[UNK]"
EXTRA_WORDS = ("an", "in")
"""Words of short statements that no shot's caption holds."""
UNKNOWN_SHARE = 0.15
SPOKEN_OF = ((True, True), (True, False), (True, False), (False, True), (False, False))
"""Whether a short statement names the colour and the scarf; each as often as it stands here."""


@dataclass(frozen=True)
class Mention:
    """What a sentence says of one figure; None: unsaid."""

    kind: str
    colour: str | None = None
    scarf: str | None = None
    action: str | None = None
    direction: str | None = None


@dataclass(frozen=True)
class Statement:
    """A sentence and what it claims; None: unsaid."""

    text: str
    size: str | None = None
    place: str | None = None
    time: str | None = None
    mentions: tuple[Mention, ...] = ()
    complete: bool = False
    """The mentions are everybody in frame, from left to right."""


def vocabulary() -> tuple[str, ...]:
    """Every word that a statement can hold, sorted."""
    return tuple(sorted({*words(), *EXTRA_WORDS}))


def holds(statement: Statement, script: ShotScript) -> bool:
    """Whether a statement is true of a shot."""
    for said, true in ((statement.size, script.size), (statement.place, script.place), (statement.time, script.time)):
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
    """Shots that differ from this one in one thing each: the place, the time, or one attribute of one figure."""
    changes = ["place", "time", *(["kind", "colour", "colour", "scarf"] if script.performances else [])]
    return [_changed(script, rng.choice(changes), rng) for _ in range(count)]


def _caption(script: ShotScript, rng: random.Random) -> Statement:
    text = caption(script, rng, with_attributes=rng.random() < 0.75)
    said = parse(text)
    mentions = tuple(Mention(role.kind, role.colour, role.scarf, role.action, role.direction) for role in said.roles)
    return Statement(text, said.size, said.place, said.time, mentions, complete=True)


def _about_place(script: ShotScript, rng: random.Random) -> Statement:
    place, time = script.place, script.time
    form = rng.randrange(5)
    if form == 0:
        return Statement(f"the {place}", place=place)
    if form == 1:
        return Statement(place, place=place)
    if form == 2:
        return Statement(f"{script.size} shot of the {place}", size=script.size, place=place)
    if form == 3 and not script.performances:
        return Statement(f"the empty {place} at {time}", place=place, time=time, complete=True)
    return Statement(f"the {place} at {time}", place=place, time=time)


def _about_figures(script: ShotScript, rng: random.Random) -> Statement:
    figures = [script.figures[part.subject] for part in script.performances]
    rng.shuffle(figures)
    if len(figures) > 1 and rng.random() < 0.7:
        figures = figures[:1]
    mentions, phrases = [], []
    for figure in figures:
        with_colour, with_scarf = rng.choice(SPOKEN_OF)
        mention = Mention(figure.kind, figure.colour if with_colour else None, figure.scarf if with_scarf else None)
        mentions.append(mention)
        phrases.append(_phrase(mention, rng))
    text = " and ".join(phrases)
    if rng.random() < 0.2:
        return Statement(
            f"{text} {rng.choice(('in', 'at'))} the {script.place}", place=script.place, mentions=tuple(mentions)
        )
    return Statement(text, mentions=tuple(mentions))


def _phrase(mention: Mention, rng: random.Random) -> str:
    noun = f"{mention.colour} {mention.kind}" if mention.colour else mention.kind
    article = rng.choice(("the", "an" if noun[0] in "aeio" else "a"))
    scarf = f" with {'an' if mention.scarf[0] in 'aeio' else 'a'} {mention.scarf} scarf" if mention.scarf else ""
    return f"{article} {noun}{scarf}"


def _with_unknown_words(said: Statement, rng: random.Random) -> Statement:
    """Now and then put words between that the model does not know: they must change nothing."""
    if rng.random() >= UNKNOWN_SHARE:
        return said
    parts = said.text.split()
    for _ in range(rng.randint(1, 3)):
        parts.insert(rng.randint(0, len(parts)), UNKNOWN)
    return replace(said, text=" ".join(parts))


def _fits(mention: Mention, script: ShotScript, part: Performance) -> bool:
    figure = script.figures[part.subject]
    if mention.kind != figure.kind:
        return False
    for said, true in ((mention.colour, figure.colour), (mention.scarf, figure.scarf), (mention.action, part.action)):
        if said is not None and said != true:
            return False
    if mention.direction is None or part.action not in MOVING_ACTIONS:
        return True
    return mention.direction == ("left", "right")[part.facing > 0]


def _changed(script: ShotScript, what: str, rng: random.Random) -> ShotScript:
    if what == "place":
        return replace(script, place=_another(PLACES, script.place, rng))
    if what == "time":
        return replace(script, time=_another(TIMES, script.time, rng))
    index = rng.choice(script.performances).subject
    figure = script.figures[index]
    taken = {other.kind for other in script.figures}
    changed: Figure = {
        "kind": lambda: replace(figure, kind=rng.choice([kind for kind in KINDS if kind not in taken])),
        "colour": lambda: replace(figure, colour=_another(COLOURS, figure.colour, rng)),
        "scarf": lambda: replace(figure, scarf=_another(SCARF_COLOURS, figure.scarf, rng)),
    }[what]()
    figures = (*script.figures[:index], changed, *script.figures[index + 1 :])
    return replace(script, figures=figures)


def _another(choices: tuple[str, ...], present: str, rng: random.Random) -> str:
    return rng.choice([choice for choice in choices if choice != present])
