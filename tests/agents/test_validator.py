"""The validator's rules as tables: what it must find, and what it must leave alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.agents.sentences import count_sentences, plain, without_quotes
from filmagent.agents.validator import check_story
from filmagent.schemas.story import Scene, Shot, Story, Subject

SUBJECTS = (
    Subject(id="marlow", name="Marlow the cat", kind="animal"),
    Subject(id="juno", name="Juno", kind="person"),
    Subject(id="clown", name="It the clown", kind="person"),
    Subject(id="robot", name="the robot", kind="object"),
    Subject(id="robot-dog", name="the robot dog", kind="object"),
    Subject(id="forest", name="the forest", kind="place"),
)


def story(*captions: str, subjects: tuple[str, ...] = ("marlow",)) -> Story:
    shots = tuple(Shot(id=f"shot-{n}", scene=1, caption=c, subjects=subjects) for n, c in enumerate(captions, 1))
    return Story(title="T", subjects=SUBJECTS, scenes=(Scene(number=1, place="forest"),), shots=shots)


def rules(caption: str, subjects: tuple[str, ...] = ("marlow",)) -> list[str]:
    return [finding.rule for finding in check_story(story(caption, subjects=subjects))]


FORMS = [
    "he",
    "she",
    "it",
    "they",
    "him",
    "her",
    "hers",
    "his",
    "its",
    "them",
    "their",
    "theirs",
    "himself",
    "herself",
    "itself",
    "themselves",
    "themself",
    "he's",
    "she'd",
    "they're",
    "it's",
    "it’ll",
    "they've",
    "'em",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", [str.lower, str.upper, str.capitalize])
def test_every_pronoun_is_found_in_every_case(form, case):
    caption = f"Marlow the cat sits, and {case(form)} looks around."
    (finding,) = check_story(story(caption))
    assert finding.rule == "pronoun"
    assert finding.shot == "shot-1"
    assert "name the subject" in finding.message


@pytest.mark.parametrize(
    "caption",
    [
        "It rains on Marlow the cat.",
        "Marlow the cat sits (it rains).",
        "Marlow the cat and his/her shadow wait.",
        "Marlow the cat—it waits—sits.",
        "Marlow the cat sits. H\u200be waits.",
        "Ｈｅ sees Marlow the cat.",
        'Marlow the cat looks at "the sea" and it shines.',
    ],
)
def test_pronouns_in_difficult_places(caption):
    assert "pronoun" in rules(caption)


@pytest.mark.parametrize(
    "caption",
    [
        'Marlow the cat reads "She left it here." on the wall.',
        "Marlow the cat reads “it is his” on the wall.",
        "Marlow the cat reads «they» on the wall.",
        "Marlow the cat reads „er, it, sie“ on the wall.",
        "Marlow the cat reads 'they don't know' on the wall.",
        "Marlow the cat reads ‘I don’t know them’ on the wall.",
        "Marlow the cat reads 「it」 on the wall.",
        "Marlow the cat watches the she-wolf.",
        "Marlow the cat sits in the item shop by the theatre and the heath.",
    ],
)
def test_what_is_quoted_or_only_looks_like_a_pronoun_passes(caption):
    assert rules(caption) == []


def test_a_name_that_is_a_pronoun_is_a_name():
    assert rules("It the clown walks past.", ("clown",)) == []
    assert rules("It the clown walks, and it stops.", ("clown",)) == ["pronoun"]


@pytest.mark.parametrize(
    "caption, subjects, expected",
    [
        ("Marlow the cat sits.", ("marlow",), []),
        ("marlow the cat's tail moves.", ("marlow",), []),
        ("A cat sits.", ("marlow",), ["missing_name"]),
        ("Marlow sits.", ("marlow",), ["missing_name", "missing_name"]),
        ("Marlow the cat sits, and Marlow sleeps.", ("marlow",), ["missing_name"]),
        ("Marlow the cat sits beside Juno.", ("marlow",), ["unlisted_name"]),
        ("Marlow the cat sits beside Juno.", ("marlow", "juno"), []),
        ("The robot dog barks.", ("robot-dog",), []),
        ("The robot barks.", ("robot-dog",), ["missing_name", "unlisted_name"]),
        ("The robot and the robot dog wait.", ("robot", "robot-dog"), []),
        ("The forest lies still.", (), []),
        ("Junos and Marlow the cats.", (), ["missing_name"]),
    ],
)
def test_names(caption, subjects, expected):
    assert sorted(rules(caption, subjects)) == sorted(expected)


@pytest.mark.parametrize(
    "caption",
    [
        "Marlow the cat walked home.",
        "Marlow the cat slowly turned to the sea.",
        "Marlow the cat was tired.",
        "Marlow the cat will walk home.",
        "Marlow the cat is going to jump.",
        "Marlow the cat'll jump.",
        "Marlow the cat sits while leaves fell and birds sang.",
        "Marlow the cat won't move.",
        "Birds flew over Marlow the cat.",
    ],
)
def test_clear_past_and_future_is_found(caption):
    assert rules(caption) == ["tense"]


@pytest.mark.parametrize(
    "caption",
    [
        "Marlow the cat, tired and red-eyed, needs a bed.",
        "Marlow the cat sits, wrapped in a knitted scarf.",
        "Marlow the cat dressed in red walks.",
        "Marlow the cat, followed by snow, walks.",
        "Marlow the cat is lost.",
        "Marlow the cat sits beside a rose and a felt hat on the left.",
        "Marlow the cat shows a strong will to live.",
        "Marlow the cat holds the will of a king.",
        "Marlow the cat has walked far.",
        "Marlow the cat moves as if time were still.",
        "Marlow the cat sees fallen leaves, a broken, closed gate and a used car.",
        "Marlow the cat is going to school.",
        "Marlow the cat stands in a crowded, well-lit street.",
        "Marlow the cat sits on a bed of reeds, seated and relaxed.",
        "A speed boat races past Marlow the cat.",
        "Marlow the cat watched by nobody sits.",
    ],
)
def test_participles_and_adjectives_are_left_alone(caption):
    assert rules(caption) == []


@pytest.mark.parametrize(
    "text, count",
    [
        ("One.", 1),
        ("One", 1),
        ("One. Two.", 2),
        ("Mr. Fox and Dr. Bear e.g. meet at 5 p.m. by J. Smith St. corner.", 1),
        ("Wait... then go.", 1),
        ("Wait... Then go.", 2),
        ("Wait… Then go!", 2),
        ("What?! Yes.", 2),
        ("It costs 3.5 coins.", 1),
        ('The sign says "Stop. Go. Run." in red.', 1),
        ('The sign says "Stop." Marlow sits.', 2),
        ("", 0),
        ("...", 0),
        ("猫が歩く。犬が走る。", 2),
        ("A (small) cat. (A dog.) A fox.", 3),
        ("A cat walks.A dog", 1),
    ],
)
def test_sentences_are_counted_as_people_count(text, count):
    assert count_sentences(text) == count


@pytest.mark.parametrize("sentences, expected", [(1, []), (4, []), (5, ["length"])])
def test_one_to_four_sentences(sentences, expected):
    assert rules("Marlow the cat sits. " * sentences) == expected


@pytest.mark.parametrize(
    "words",
    [
        "as in the previous shot",
        "in the same room as before",
        "continuing from the gate",
        "like in the last scene",
        "as described above",
    ],
)
def test_a_caption_that_leans_on_another_shot_is_found(words):
    assert rules(f"Marlow the cat sits {words}.") == ["other_shot"]


def test_captions_are_english():
    assert rules("Marlow the cat 猫は森の中をゆっくりと歩いていきます、夜の光の下で静かに") == ["language"]
    assert rules("Marlow the cat sits in 東京.") == []


def test_a_recurring_stranger_is_found_and_a_passing_word_is_not():
    found = check_story(
        story(
            "Marlow the cat sits, and Bruno sleeps.",
            "Marlow the cat greets Bruno.",
            "Marlow the cat crosses Paris, and English rain falls.",
        )
    )
    assert [(finding.shot, finding.rule) for finding in found] == [
        ("shot-1", "unknown_name"),
        ("shot-2", "unknown_name"),
    ]
    assert check_story(story("Marlow the cat sits, and Bruno sleeps.")) == ()


@given(st.text(max_size=200))
def test_any_text_can_be_checked(text):
    for finding in check_story(story(f"x{text}")):
        assert finding.message
        assert "\n" not in finding.message.replace(repr(text), "")


@given(st.text(max_size=200))
def test_blanking_quotes_keeps_the_length(text):
    assert len(without_quotes(plain(text))) == len(plain(text))


@given(
    st.sampled_from(FORMS[:-1]), st.sampled_from(["Marlow the cat sits and {} waits.", "{} waits by Marlow the cat."])
)
def test_a_pronoun_never_hides(form, frame):
    assert "pronoun" in rules(frame.format(form))
