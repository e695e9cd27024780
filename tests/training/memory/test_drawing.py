"""Which examples are drawn: memory comes from before, joins and subjects as often as said, the same chance the same."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.errors import UsageError
from filmagent.generation.wan.config import Sampling
from filmagent.training.memory.drawing import draw, draw_alike, usable_shots
from filmagent.training.memory.levels import levels_of
from filmagent.training.memory.validation import hold_out
from tests.training.memory.toy_films import toy_films, toy_settings


@dataclass(frozen=True)
class Told:
    """Shot or target: what can be drawn without a picture."""

    frame_count: int = 0
    shot: int = 0
    prompt: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Film:
    name: str
    shots: tuple[Told, ...]
    targets: tuple[Told, ...] = ()


LENGTHS = st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=7), min_size=1, max_size=3)


def films_of(lengths):
    return [
        Film(
            f"film {number}",
            tuple(Told(frame_count=count) for count in counts),
            tuple(Told(shot=index) for index in range(len(counts))),
        )
        for number, counts in enumerate(lengths)
    ]


@settings(max_examples=60, deadline=None)
@given(LENGTHS, st.integers(0, 10**6), st.sampled_from(["storymem", "memento"]))
def test_an_example_lies_within_its_shot_and_remembers_only_what_was_before(lengths, seed, policy):
    films = films_of([*lengths, [9, 9]])
    given_settings = toy_settings(policy=policy, frames=9)
    drawn = draw(random.Random(seed), films, usable_shots(films, 9), given_settings)
    film = films[drawn.film]
    assert 0 <= drawn.first <= film.shots[drawn.shot].frame_count - 9
    assert drawn.known in (0, 1, 5)
    assert len(drawn.memory) <= (10 if policy == "storymem" else 16)
    places = [(place.shot, place.frame) for place in drawn.memory]
    assert places == sorted(set(places)), "oldest first, none twice"
    assert all(shot < drawn.shot and 0 <= frame < film.shots[shot].frame_count for shot, frame in places)
    assert list(drawn.filmed) == sorted(drawn.filmed) and all(frame < drawn.start for frame in drawn.filmed)
    assert drawn.target is None or (policy == "memento" and film.targets[drawn.target].shot < drawn.shot)
    assert drawn == draw(random.Random(seed), films, usable_shots(films, 9), given_settings)


def many(policy, **changes):
    films = films_of([[20] * 6])
    given_settings, rng = toy_settings(policy=policy, frames=9, **changes), random.Random(0)
    return [draw(rng, films, usable_shots(films, 9), given_settings) for _ in range(1000)]


def test_joins_dropped_words_and_counts_are_as_often_as_said():
    drawn = many("storymem")
    known = Counter(each.known for each in drawn)
    assert known[1] / 1000 == pytest.approx(0.25, abs=0.04) and known[5] / 1000 == pytest.approx(0.25, abs=0.04)
    assert sum(each.without_text for each in drawn) / 1000 == pytest.approx(0.1, abs=0.03)
    assert {len(each.memory) for each in drawn} == set(range(11))
    assert {len(each.memory) for each in drawn if each.shot == 0} == {0}
    assert {len(each.memory) for each in many("storymem", most_memory=5)} == set(range(6))
    assert Counter(each.known for each in many("storymem", first_frame=1.0, motion_frames=0.0)) == {1: 1000}


def test_first_pictures_alone_are_where_shots_begin_and_no_joins():
    films, chosen = toy_films(2), toy_settings(frames=1)
    usable = usable_shots(films, 1)
    drawn = [draw(random.Random(seed), films, usable, chosen) for seed in range(60)]
    assert {each.first for each in drawn} == {each.known for each in drawn} == {0}
    with pytest.raises(UsageError, match="4 n"):
        toy_settings(frames=3)


def test_mementos_pool_is_the_last_shot_and_some_of_those_before():
    drawn = [each for each in many("memento") if each.shot == 4]
    sizes = Counter(len(each.memory) for each in drawn)
    assert set(sizes) == {8, 16} and sizes[8] / len(drawn) == pytest.approx(0.1, abs=0.06)
    assert all(sum(place.shot == 3 for place in each.memory) == 8 for each in drawn)
    assert sum(each.target is not None for each in drawn) / len(drawn) == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize("policy", ["storymem", "memento"])
def test_examples_that_go_together_are_of_one_kind_and_every_kind_is_as_often_as_alone(policy):
    films = films_of([[20] * 6, [9] * 3])
    usable, together = usable_shots(films, 9), toy_settings(policy=policy, frames=9, batch=4)
    drawn = [draw_alike(random.Random(seed), films, usable, together, 0) for seed in range(600)]
    assert {len(each) for each in drawn} == {4}
    assert all(len({(len(one.memory), one.target is None) for one in each}) == 1 for each in drawn)
    first = [draw(random.Random(seed), films, usable, together) for seed in range(600)]
    assert [each[0] for each in drawn] == first
    assert len({(one.film, one.shot, one.without_text) for each in drawn for one in each[1:]}) > 10


def test_a_kind_that_is_rare_makes_a_smaller_batch():
    films = films_of([[20] * 6])
    usable = [(0, 0)] * 4999 + [(0, 5)]
    alone = [
        draw_alike(random.Random(seed), films, usable, toy_settings(policy="memento", frames=9, batch=2), 0)
        for seed in range(5000, 5400)
    ]
    assert {len(each) for each in alone} <= {1, 2} and all(each[0].kind == each[-1].kind for each in alone)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_subject_is_reconstructed_never_or_always_when_told_so(share):
    drawn = [each for each in many("memento", reconstruction=share) if each.shot]
    assert {each.target is not None for each in drawn} == {share == 1}


def test_shots_that_are_too_short_are_left_out_and_none_at_all_is_refused():
    films = films_of([[4, 9, 30]])
    assert usable_shots(films, 9) == [(0, 1), (0, 2)]
    with pytest.raises(UsageError, match=r"no shot has 33 frames, the longest has 30"):
        usable_shots(films, 33)


def test_one_film_in_twenty_is_held_out_and_one_at_least():
    for count, held in ((2, 1), (19, 1), (40, 2)):
        learned_from, held_out = hold_out(films_of([[9]] * count))
        assert (len(learned_from), len(held_out)) == (count - held, held)


def test_each_expert_sees_its_side_of_the_boundary():
    sampling = Sampling(shift=5.0, boundary_ratio=0.9)
    high, low = levels_of(sampling, "high_noise"), levels_of(sampling, "low_noise")
    assert (high.at(0), high.at(1)) == pytest.approx((0.9, 1.0))
    assert (low.at(0), low.at(1)) == pytest.approx((0.0, 0.9))
    alone = levels_of(Sampling(shift=3.0, boundary_ratio=None), "denoiser")
    assert (alone.at(0), alone.at(0.5), alone.at(1)) == pytest.approx((0.0, 0.75, 1.0))
