"""The measures on readings made by hand, where every count is known; and their chance."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from filmagent.evaluation.papercut.measures import chance_film, distance, measure_film, slots, world_shares
from filmagent.evaluation.papercut.records import ShotRecord
from filmagent.evaluation.papercut.verdicts import IDENTITY_DRIFT, OFF_CAPTION, WRONG_SUBJECT
from filmagent.generation.papercut.vocabulary import LAYOUTS
from filmagent.training.papercut.probe.questions import IDENTITY, Reading
from tests.evaluation.toys import guess

CAT = {
    "colour": "white",
    "pattern": "spots",
    "pattern_colour": "red",
    "garment": "hat",
    "garment_colour": "blue",
    "build": None,
    "action": "walks",
    "position": "left",
}
DOG = {
    "colour": "black",
    "pattern": None,
    "garment": "bow",
    "garment_colour": "blue",
    "build": "big",
    "action": "sits",
    "position": "right",
}
PICTURE = {
    "count": 2,
    "place": "forest",
    "layout": 1,
    "time": "day",
    "weather": "rain",
    "size": "wide",
    "prop": None,
}


def reading(picture=PICTURE, **figures) -> Reading:
    return Reading(tuple(sorted(figures)), dict(picture), {kind: dict(answers) for kind, answers in figures.items()})


def record(shot=1, since=None, truth=None, read=None, **changes) -> ShotRecord:
    truth = truth or reading(cat=CAT, dog=DOG)
    since = {kind: 1 for kind in truth.kinds} if since is None else since
    made = ShotRecord(
        row="none",
        seed=0,
        story=0,
        shot=shot,
        form="two subjects",
        link="scene_cut",
        truth=truth,
        reading=read or truth,
        since=since,
        place_since=None,
        moving=0.1,
    )
    return replace(made, **changes)


def introduced(read=None) -> ShotRecord:
    return record(shot=0, since={"cat": None, "dog": None}, read=read)


def test_what_was_lost_is_held_against_what_memory_showed():
    black = {**CAT, "colour": "black"}
    shots = [
        introduced(read=reading(cat=black, dog=DOG)),
        record(truth=reading(cat=CAT), read=reading(cat=CAT), remembered=1, shown=(0,)),
        record(shot=2, read=reading(cat=black, dog=DOG), since={"cat": 1, "dog": 2}, remembered=1, shown=(1,)),
    ]
    tallies = measure_film(shots)
    # Of the cat's six attributes five were right in shot 0 and all in shot 1; of the dog shot 1 shows nothing.
    assert tallies["in memory: right"] == (5 + 6, 17) and tallies["kept of right"] == (5 + 5, 11)
    assert tallies["in memory: lost before"] == (1, 17) and tallies["kept of lost before"] == (1, 1)
    assert tallies["in memory: nowhere"] == (5, 17) and tallies["kept of nowhere"] == (5, 5)
    without = measure_film([replace(shot, remembered=0) for shot in shots])
    assert not any("memory" in name for name in without.names()), "a film without memory is not asked"


def test_the_truth_has_kept_everything():
    tallies = measure_film([introduced(), record(place_since=1, since={"cat": 1, "dog": 3})])
    assert tallies["identity"] == (11, 11)  # six of the cat, five of the plain dog
    assert tallies["identity at 1"] == (6, 6)
    assert tallies["identity at 3"] == (5, 5)
    assert tallies["identity/pattern_colour"] == (1, 1)
    assert tallies["place kept"] == (1, 1)
    assert tallies["caption: kinds"] == (2, 2)
    assert tallies["caption: action"] == (4, 4)
    assert measure_film([replace(introduced(), moving=None)])["caption: action"] == (0, 0), "a picture shows no action"
    assert tallies["swapped"][0] == 0


def test_each_wrong_attribute_costs_one_and_a_missing_figure_all():
    wrong = reading(cat={**CAT, "colour": "pink", "garment": "vest"}, dog=DOG)
    assert measure_film([record(read=wrong)])["identity"] == (9, 11)
    gone = Reading(("cat",), PICTURE, wrong.figures)
    tallies = measure_film([record(read=gone)])
    assert tallies["identity"] == (4, 11)
    assert tallies["caption: kinds"] == (0, 1)
    assert tallies["caption: action"] == (1, 2)


def test_nothing_is_asked_of_the_new_and_nothing_at_joins():
    assert measure_film([introduced()])["identity"] == (0, 0)
    joined = measure_film([record(link="MI2V", place_since=1, seam=0.25)])
    assert joined["identity"] == joined["place kept"] == (0, 0)
    assert joined["identity at joins"] == (11, 11)
    assert joined["seam error"] == (0.25, 1)
    assert list(slots(record(), joined=True)) == []


def test_a_figure_that_was_drawn_wrong_and_stays_so_is_kept_as_drawn():
    wrong = reading(cat={**CAT, "colour": "pink"}, dog=DOG)
    tallies = measure_film([introduced(wrong), record(read=wrong)])
    assert tallies["identity"] == (10, 11)
    assert tallies["identity as drawn"] == (11, 11)


def test_swapped_colours_are_not_binding():
    swapped = reading(cat={**CAT, "colour": "black"}, dog={**DOG, "colour": "white"})
    tallies = measure_film([record(read=swapped)])
    asked = 8  # colour, pattern, garment, build: both ways; the garments' colour is the same and tells nothing
    assert tallies["binding"] == (asked - 2, asked)
    assert tallies["swapped"] == (2, asked)
    alone = reading(cat=CAT)
    assert measure_film([record(truth=alone, since={"cat": 1})])["binding"] == (0, 0)


def test_a_place_is_kept_with_its_arrangement_only():
    other = reading({**PICTURE, "layout": 2}, cat=CAT, dog=DOG)
    tallies = measure_film([introduced(), record(read=other, place_since=2)])
    assert tallies["place kept"] == (0, 1)
    assert tallies["place at 2"] == (0, 1)
    assert tallies["caption: place"] == (2, 2)


def test_a_place_is_kept_as_the_film_first_showed_it():
    """No caption says the arrangement: who keeps what chance drew first has forgotten nothing."""
    other = reading({**PICTURE, "layout": 2}, cat=CAT, dog=DOG)
    elsewhere = reading({**PICTURE, "layout": 2, "place": "beach"}, cat=CAT, dog=DOG)
    again = {"place_since": 1}
    assert measure_film([introduced(other), record(read=other, **again)])["place kept"] == (1, 1)
    assert measure_film([introduced(other), record(**again)])["place kept"] == (0, 1), "the world's own is another"
    assert measure_film([introduced(elsewhere), record(read=elsewhere, **again)])["place kept"] == (0, 1)


@pytest.mark.parametrize("question", ["place", "size", "time", "weather"])
def test_each_word_of_the_caption_is_asked_for_itself(question):
    other = reading({**PICTURE, question: "something else"}, cat=CAT, dog=DOG)
    tallies = measure_film([record(read=other)])
    for name in ("place", "size", "time", "weather"):
        assert tallies[f"caption: {name}"] == (float(name != question), 1)


def test_distances_beyond_eight_stand_together():
    assert [distance(since) for since in (1, 8, 9, 15)] == ["1", "8", "9+", "9+"]


def test_costs_are_counted_only_where_something_was_generated():
    tallies = measure_film([record(seconds=2.0, tokens=100, moving=0.5), record(shot=2, moving=0.25)])
    assert tallies["seconds"] == (2, 1)
    assert tallies["tokens"] == (100, 1)
    assert tallies["dynamic degree"] == (0.75, 2)


@pytest.mark.parametrize(
    ("drifts", "symptoms", "expected"),
    [
        (True, (IDENTITY_DRIFT,), {"precision": (1, 1), "recall": (1, 1), "agreement": (1, 1)}),
        (True, (), {"precision": (0, 0), "recall": (0, 1), "agreement": (0, 1)}),
        (False, (IDENTITY_DRIFT,), {"precision": (0, 1), "recall": (0, 0), "agreement": (0, 1)}),
        (False, (), {"precision": (0, 0), "recall": (0, 0), "agreement": (1, 1)}),
    ],
)
def test_the_critics_alarms_are_held_against_the_probe(drifts, symptoms, expected):
    now = reading(cat={**CAT, "garment_colour": "green"} if drifts else CAT, dog=DOG)
    tallies = measure_film([introduced(), record(read=now, judged=(IDENTITY_DRIFT,), symptoms=symptoms)])
    assert {name: tallies[f"{IDENTITY_DRIFT}: {name}"] for name in expected} == expected


def test_drift_is_measured_from_what_was_drawn_not_from_what_was_meant():
    pink = reading(cat={**CAT, "colour": "pink"}, dog=DOG)
    tallies = measure_film([introduced(pink), record(read=pink, judged=(IDENTITY_DRIFT,))])
    assert tallies[f"{IDENTITY_DRIFT}: faults"] == (0, 1)


def test_kinds_and_places_are_held_against_the_probe():
    nobody = Reading((), {**PICTURE, "place": "beach"}, reading(cat=CAT, dog=DOG).figures)
    tallies = measure_film([record(read=nobody, judged=(WRONG_SUBJECT, OFF_CAPTION), symptoms=(WRONG_SUBJECT,))])
    assert tallies[f"{WRONG_SUBJECT}: recall"] == (1, 1)
    assert tallies[f"{OFF_CAPTION}: recall"] == (0, 1)


def test_chance_is_what_a_guesser_gets():
    shares = world_shares(600)
    assert all(sum(found.values()) == pytest.approx(1) for found in shares.values())
    films = [introduced(), *(record(shot=shot, place_since=1) for shot in range(1, 400))]
    chance = chance_film(films, shares)
    rng = random.Random(0)

    def drawn() -> Reading:
        figures = {
            kind: {name: rng.choices(list(shares[name]), list(shares[name].values()))[0] for name in IDENTITY}
            | {"action": "walks"}
            for kind in ("cat", "dog")
        }
        return reading({**PICTURE, "layout": rng.randrange(len(LAYOUTS))}, **figures)

    guessed = measure_film([films[0], *(replace(each, reading=drawn()) for each in films[1:])])
    for name in ("identity", "identity/colour", "identity/pattern", "identity/garment_colour", "binding", "swapped"):
        total, count = chance[name]
        assert count == guessed[name][1], name
        assert guessed[name][0] / count == pytest.approx(total / count, abs=0.05), name
    assert chance["place kept"][0] / chance["place kept"][1] == pytest.approx(1 / len(LAYOUTS))


def test_any_reading_can_be_measured():
    rng = random.Random(1)
    for _ in range(50):
        tallies = measure_film([introduced(), record(read=guess(rng, ("cat", "dog")), place_since=1)])
        for name in tallies.names():
            total, count = tallies[name]
            assert 0 <= total <= count, name
