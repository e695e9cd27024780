"""Cover: everybody wanted is shown, by the best views, and never a stranger in anybody's place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.generation.memory.bank import MemoryBank
from filmagent.generation.memory.cover import Cover, CoverRules
from filmagent.generation.memory.policies import StoryMem
from filmagent.scoring.colours import ColourFeatures
from filmagent.scoring.quality import QualityGate
from tests.generation.memory.banks import (
    FRIENDS,
    PLACES,
    STORY,
    SmallBank,
    bank,
    numbers,
    picture,
    plan,
    shot,
    story_of,
    view,
)
from tests.generation.test_memory_bank import take
from tests.generation.test_memory_policies import GATE

SURE = CoverRules().view.sure
RED, GREEN, BLUE, WHITE = 5, 30, 180, 215


def cover() -> Cover:
    return Cover(ColourFeatures)


def chosen(keyframes: SmallBank, *remember: str, limit: int = 10, story=STORY, shot: str = "s5"):
    return cover().recall(keyframes, story, plan(*remember, shot=shot), limit)


def shown(recalls) -> set[str]:
    """Who is surely in the recalled pictures, and where they are."""
    people = {key for recall in recalls for key, surely in recall.keyframe.subjects.items() if surely >= SURE}
    return people | {recall.keyframe.place for recall in recalls if recall.keyframe.place is not None}


def test_the_surest_and_clearest_view_comes_first_and_is_called_the_best():
    keyframes = bank(view(1, "s1", RED, marlow=0.6), view(2, "s1", RED, marlow=0.95),
                     view(3, "s1", RED, marlow=0.95, quality=0.5))
    (recall,) = chosen(keyframes, "marlow")
    assert (numbers([recall]), recall.reason) == ([2], "best view of Marlow the cat")


def test_of_equal_views_the_newest_is_shown():
    keyframes = bank(view(1, "s1", marlow=0.9), view(2, "s3", marlow=0.9), view(3, "s2", marlow=0.9))
    assert numbers(chosen(keyframes, "marlow", limit=1)) == [2]


def test_a_picture_of_two_covers_two_when_there_is_room_for_one():
    keyframes = bank(view(1, "s1", marlow=0.9), view(2, "s3", marlow=0.9, rex=0.9), view(3, "s2", rex=0.9))
    (recall,) = chosen(keyframes, "marlow", "rex", shot="s3", limit=1)
    assert numbers([recall]) == [2]
    assert recall.reason == "best view of Marlow the cat and Rex the dog together"


def test_the_place_is_shown_as_it_was_last_seen():
    keyframes = bank(view(1, "s1", place="forest"), view(2, "s4", GREEN, place="forest"), view(3, "s4", place="beach"))
    (recall,) = chosen(keyframes, "forest", limit=1)
    assert numbers([recall]) == [2]
    assert recall.reason == "the forest as it was last seen"


def test_a_wide_view_of_the_place_is_better_than_a_newer_close_one():
    story = story_of(shot(1, shot_size="wide"), shot(2, shot_size="close"), shot(3))
    keyframes = bank(view(1, "s1", place="forest"), view(2, "s2", place="forest"))
    (recall,) = chosen(keyframes, "forest", story=story, shot="s3", limit=1)
    assert (numbers([recall]), recall.reason) == ([1], "best view of the forest")


def test_a_photograph_is_a_view_of_its_subject():
    keyframes = bank(view(1, None, RED, marlow=1.0), view(2, "s1", GREEN, marlow=0.9), view(3, None, BLUE, forest=1.0))
    recalled = chosen(keyframes, "marlow", "forest")
    assert [recall.reason for recall in recalled] == [
        "photograph of Marlow the cat", "photograph of the forest", "another view of Marlow the cat"]


def test_further_views_are_the_most_different_ones():
    keyframes = bank(view(1, "s1", RED, marlow=0.95), view(2, "s1", RED - 1, marlow=0.9),
                     view(3, "s1", WHITE - RED, marlow=0.6))
    recalled = chosen(keyframes, "marlow", limit=2)
    assert numbers(recalled) == [1, 3]
    assert recalled[1].reason == "another view of Marlow the cat"


def test_nobody_is_shown_more_than_three_times_nor_twice_in_the_same_picture():
    many = [view(number, "s1", number * 17 % 216, marlow=0.9) for number in range(1, 12)]
    assert len(chosen(bank(*many), "marlow")) == 3
    same = [view(number, "s1", RED, marlow=0.9) for number in range(1, 5)]
    assert len(chosen(bank(*same), "marlow")) == 1


def test_whoever_the_shot_leaves_out_is_left_out():
    keyframes = bank(view(1, "s1", RED, place="forest", marlow=0.7), view(2, "s3", GREEN, place="forest", marlow=1.0,
                                                                         rex=0.9))
    assert numbers(chosen(keyframes, "marlow", "forest")) == [1]


def test_somebody_who_was_never_alone_is_shown_in_company_and_it_is_said():
    keyframes = bank(view(1, "s3", RED, marlow=0.9, rex=0.9), view(2, "s3", GREEN, marlow=0.8, rex=0.9))
    (recall,) = chosen(keyframes, "marlow")
    assert numbers([recall]) == [1]
    assert recall.reason == "no better view of Marlow the cat: it also shows Rex the dog, whom this shot leaves out"


def test_no_stranger_is_let_in_for_a_place():
    assert chosen(bank(view(1, "s2", place="forest", rex=0.9)), "marlow", "forest") == ()


def test_a_subject_in_the_shot_is_no_stranger_although_nobody_asked_to_remember_it():
    keyframes = bank(view(1, "s4", RED, marlow=0.9, key=0.9))
    assert numbers(chosen(keyframes, "marlow", shot="s4")) == [1]


def test_what_is_not_sure_is_a_view_of_nobody_who_has_another():
    doubtful = view(1, "s1", marlow=SURE - 0.01)
    assert numbers(chosen(bank(doubtful, view(2, "s3", RED, marlow=SURE)), "marlow")) == [2]
    (recall,) = chosen(bank(doubtful, view(2, "s2", RED, rex=0.9)), "marlow")
    assert (numbers([recall]), recall.reason) == ([1], "perhaps Marlow the cat, whom nothing surely shows")
    assert chosen(bank(view(1, "s1", marlow=0.0)), "marlow") == (), "that is surely a view of nobody"
    assert numbers(chosen(bank(view(1, "s1", place="forest", forest=0.0)), "forest")) == [1], "but of its place"


def test_of_two_in_doubt_the_surer_view_is_shown():
    keyframes = bank(view(1, "s1", RED, marlow=0.4), view(2, "s1", GREEN, marlow=0.1))
    assert numbers(chosen(keyframes, "marlow", limit=1)) == [1]


def test_without_anybody_to_remember_nothing_is_shown():
    assert chosen(bank(view(1, "s1", place="forest", marlow=0.9))) == ()


@pytest.mark.parametrize(("caption", "expected"), [
    ("Marlow the cat in a wet coat runs home.", (1, "best view of Marlow the cat (coat, wet: as in this shot)")),
    ("Marlow the cat sleeps.", (2, "best view of Marlow the cat")),
])
def test_a_view_from_a_shot_that_tells_the_same_state_is_better(caption, expected):
    story = story_of(shot(1, "marlow", caption="Rain. Marlow the cat in a wet coat shivers."),
                     shot(2, "marlow", caption="Marlow the cat eats."), shot(3, "marlow", caption=caption))
    keyframes = bank(view(1, "s1", RED, marlow=0.8), view(2, "s2", GREEN, marlow=0.8))
    (recall,) = chosen(keyframes, "marlow", story=story, shot="s3", limit=1)
    assert (*numbers([recall]), recall.reason) == expected


def test_pictures_are_read_only_for_further_views():
    def unread():
        raise AssertionError("asked for features")

    keyframes = bank(view(1, "s1", RED, marlow=0.9), view(2, "s1", GREEN, marlow=0.8))
    assert numbers(Cover(unread).recall(keyframes, STORY, plan("marlow"), 1)) == [1]
    with pytest.raises(AssertionError, match="features"):
        Cover(unread).recall(keyframes, STORY, plan("marlow"), 2)


def test_it_remembers_as_storymem_does_and_recalls_what_it_kept(tmp_path):
    frames = np.stack([picture(colour) for colour in (RED, RED, BLUE)])

    def remembered(policy):
        made = MemoryBank(tmp_path / policy.name)
        return made, made.remember(policy, made.view([]), STORY, STORY.shots[0], take("s1"), frames)

    made, record = remembered(Cover(ColourFeatures, GATE))
    other, other_record = remembered(StoryMem(ColourFeatures, GATE))
    assert [each.frame for each in made.record(record).keyframes] == [0, 2]
    assert made.record(record).keyframes == other.record(other_record).keyframes
    recalled = cover().recall(made.view([record]), STORY, plan("marlow", "forest", shot="s3"), 10)
    assert shown(recalled) == {"marlow", "forest"}


def test_a_rough_picture_is_kept_of_whom_nothing_else_shows(tmp_path):
    strict = QualityGate(GATE.quality, threshold=300)
    made = MemoryBank(tmp_path)

    def kept(policy, number, records, colour=BLUE):
        frames = np.stack([picture(RED) // 2, picture(RED) // 2, picture(colour)])
        made_of = take(f"s{number + 1}", key=f"{number:032x}")
        record = made.remember(policy, made.view(records), STORY, STORY.shots[number], made_of, frames)
        return record, [(each.frame, each.reason) for each in made.record(record).keyframes]

    first, found = kept(Cover(ColourFeatures, strict), 0, [])
    assert found == [(2, "rough, but nothing else shows Marlow the cat")], "the clearest of them"
    assert kept(Cover(ColourFeatures, strict), 4, [first])[1] == [], "the cat is known"
    both = kept(Cover(ColourFeatures, strict), 2, [first], WHITE)[1]
    assert both == [(2, "rough, but nothing else shows Rex the dog")]
    assert kept(StoryMem(ColourFeatures, strict), 0, [])[1] == []


FEW = settings(max_examples=60, deadline=None)
COLOURS = (RED, RED - 1, GREEN, BLUE, WHITE)
CERTAIN = st.sampled_from([0.0, 0.3, SURE, 0.9, 1.0])
ENTRIES = st.lists(st.tuples(st.sampled_from([None, "s1", "s2", "s3", "s4", "gone"]), st.sampled_from(COLOURS),
                             st.sampled_from([None, *PLACES]), st.sampled_from([-1.0, 0.0, 0.5, 8.0]),
                             st.tuples(CERTAIN, CERTAIN, CERTAIN)), max_size=8)
BANKS = ENTRIES.map(lambda entries: bank(*(
    view(number, source, colour, place=place if source else None, quality=quality,
         **dict(zip(FRIENDS, sure, strict=True)))
    for number, (source, colour, place, quality, sure) in enumerate(entries))))
REMEMBER = st.lists(st.sampled_from([*FRIENDS, *PLACES]), unique=True).map(tuple)
SHOTS = st.sampled_from([each.id for each in STORY.shots])


@FEW
@given(BANKS, REMEMBER, SHOTS, st.integers(0, 8))
def test_more_budget_only_adds(keyframes, remember, shot, limit):
    less, more = (chosen(keyframes, *remember, shot=shot, limit=size) for size in (limit, limit + 1))
    assert len(less) <= limit
    assert set(numbers(less)) <= set(numbers(more))
    assert shown(less) & set(remember) <= shown(more) & set(remember)
    assert less == chosen(keyframes, *remember, shot=shot, limit=limit)
    assert [keyframes.keyframes.index(recall.keyframe) for recall in more] == sorted(
        keyframes.keyframes.index(recall.keyframe) for recall in more)


@FEW
@given(BANKS, REMEMBER, SHOTS, st.integers(1, 8))
def test_a_stranger_is_shown_only_with_somebody_who_has_no_other_view(keyframes, remember, shot, limit):
    welcome = {*STORY.shot(shot).subjects, *remember}
    seen = {key for each in keyframes.keyframes for key, surely in each.subjects.items() if surely >= SURE}
    who = {each.sha256: {key for key, surely in each.subjects.items()
                         if surely >= SURE or (surely > 0 and key in {*remember} - seen)}
           for each in keyframes.keyframes}
    alone = {key for each in keyframes.keyframes if who[each.sha256] <= welcome
             for key in (*who[each.sha256], each.place)} & set(remember)
    recalled = chosen(keyframes, *remember, shot=shot, limit=limit)
    for recall in recalled:
        there = who[recall.keyframe.sha256]
        assert (there | {recall.keyframe.place}) & set(remember)
        if not there <= welcome:
            assert (there & set(remember)) - alone
            assert alone <= shown(recalled) | {key for each in recalled for key in who[each.keyframe.sha256]}
            assert "this shot leaves out" in recall.reason


@FEW
@given(BANKS, REMEMBER, SHOTS)
def test_with_room_enough_every_wanted_subject_that_the_bank_shows_is_shown(keyframes, remember, shot):
    known = {key for each in keyframes.keyframes for key, surely in each.subjects.items() if surely >= SURE}
    assert known & set(remember) <= shown(chosen(keyframes, *remember, shot=shot, limit=len(remember)))
