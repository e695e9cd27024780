"""What CLIP can be asked about a subject: its kind and its colours, each among alternatives.

A whole picture's embedding mixes subject and place, so pictures are not compared with each other but with sentences:
`a white cat`, `a black cat`, ... Only one thing differs between the sentences, so place and pose cancel out. Knows
nothing of takes and memory, and asks only about words that the model knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from filmagent.schemas.story import Shot, Story, Subject
from filmagent.scoring.clip import Embeddings, ImageFeatures
from filmagent.scoring.words import COLOURS, NOUNS, among, coloured_phrase, coloured_things, with_article
from filmagent.scoring.zero_shot import probabilities


@dataclass(frozen=True)
class Anchors:
    """Sentences that differ in one word, of which one is said of the subject."""

    about: str
    """What they ask, such as `kind`, `colour` or `scarf`."""
    sentences: tuple[str, ...]
    stated: int | None
    """Index of the sentence that the story says is true; None: it does not say."""


def noun_of(subject: Subject, features: ImageFeatures) -> str | None:
    """Return the word for what a subject is, if the model knows it: first from its appearance, then from its name."""
    for noun in (*among(subject.appearance, NOUNS), *among(subject.name, NOUNS)):
        if features.knows(noun):
            return noun
    return None


def nouns_in_shot(story: Story, shot: Shot, prompt: str, features: ImageFeatures) -> dict[str, str]:
    """Return subject id -> the word for it in the generator's prompt, for every subject where that is certain.

    A subject whose own word the prompt does not hold is played by another (`astronaut is played by the robot`). Those
    left over are matched in order, when as many words are left: a generator names subjects in the shot's order.
    """
    said = [noun for noun in among(prompt, NOUNS) if features.knows(noun)]
    own = {key: noun_of(story.subject(key), features) for key in shot.subjects}
    found = {key: noun for key, noun in own.items() if noun in said and list(own.values()).count(noun) == 1}
    subjects_left = [key for key in shot.subjects if key not in found]
    words_left = [noun for noun in said if noun not in found.values()]
    if len(subjects_left) == len(words_left):
        found.update(zip(subjects_left, words_left, strict=True))
    return {key: noun for key, noun in found.items() if noun is not None}


def kind_anchors(noun: str, others: tuple[str, ...], features: ImageFeatures) -> Anchors:
    """Ask what kind a subject is, leaving out the kinds of the others in the same picture."""
    nouns = [word for word in NOUNS if word == noun or (word not in others and features.knows(word))]
    return Anchors("kind", tuple(map(with_article, nouns)), nouns.index(noun))


def attribute_anchors(subject: Subject, noun: str, features: ImageFeatures) -> tuple[Anchors, ...]:
    """Ask for the colour of everything that the appearance gives a colour, and for the subject's own.

    What the model has no word for (a `coat`, to a model that knows only scarves) gives its colour to the subject
    itself. People have no colour of their own unless it is said so.
    """
    colours = tuple(colour for colour in COLOURS if features.knows(colour))
    stated, asked = None, []
    for each in coloured_things(subject.appearance):
        if each.thing not in NOUNS and features.knows(f"with {each.thing}"):
            asked.append(_colour_anchors(each.thing, coloured_phrase(noun, "{}", each.thing), colours, each.colour))
        else:
            stated = stated or each.colour
    if stated is not None or subject.kind != "person":
        asked.append(_colour_anchors("colour", f"{{}} {noun}", colours, stated))
    return tuple(asked)


def presence(story: Story, shot: Shot, image: Embeddings, features: ImageFeatures) -> Mapping[str, float]:
    """Return how surely each subject of a shot is in one picture, 0 to 1, for those that CLIP can be asked about.

    Args:
        image: the picture's embedding, shape (1, dimensions).
    """
    nouns = {key: noun for key in shot.subjects if (noun := noun_of(story.subject(key), features)) is not None}
    found = {}
    for key, noun in nouns.items():
        asked = kind_anchors(noun, tuple(other for other in nouns.values() if other != noun), features)
        found[key] = float(probabilities(features, image, asked.sentences)[0, asked.stated])
    return found


def _colour_anchors(about: str, sentence: str, colours: tuple[str, ...], stated: str | None) -> Anchors:
    sentences = tuple(with_article(sentence.format(colour)) for colour in colours)
    return Anchors(about, sentences, colours.index(stated) if stated in colours else None)
