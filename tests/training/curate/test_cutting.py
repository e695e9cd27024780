"""From cuts and flaws to parts and sequences: nothing overlaps, nothing is lost without a reason."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from filmagent.training.curate.cutting import GUARD, LONGEST_GAP, Part, divide, group, join
from filmagent.training.curate.settings import CurateSettings

FPS = 10
SETTINGS = CurateSettings(shots=3, shortest=2, longest=4, model="m")


@st.composite
def films(draw):
    frames = draw(st.integers(1, 600))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, frames - 1)), max_size=8)) - {frames})
    marks = sorted(draw(st.sets(st.integers(0, frames), max_size=6)))
    flaws = [(a, b, draw(st.sampled_from(["black", "static"]))) for a, b in list(pairwise(marks))[::2]]
    return frames, cuts, flaws


@given(films())
def test_parts_keep_to_their_shots_and_away_from_flaws(film):
    frames, cuts, flaws = film
    parts, drops = divide(cuts, frames, flaws, FPS, SETTINGS)
    covered = [0] * frames
    for part in parts:
        assert SETTINGS.shortest * FPS - 1 <= part.frames <= SETTINGS.longest * FPS
        assert not [cut for cut in cuts if part.start < cut + GUARD and part.end > cut - GUARD]
        assert not [flaw for flaw in flaws if part.start < flaw[1] and part.end > flaw[0]]
        for frame in range(part.start, part.end):
            covered[frame] += 1
    for drop in drops:
        for frame in range(round(drop.start * FPS), round(drop.end * FPS)):
            covered[frame] = covered[frame] or 1
    assert max(covered, default=0) <= 1
    guards = {frame for cut in cuts for frame in range(cut - GUARD, cut + GUARD)}
    assert [frame for frame, times in enumerate(covered) if times == 0 and frame not in guards] == []


def test_a_long_shot_becomes_pieces_that_go_on_from_each_other():
    parts, drops = divide([], 90, [], FPS, SETTINGS)
    assert [(part.start, part.frames, part.cut) for part in parts] == [(0, 30, True), (30, 30, False), (60, 30, False)]
    assert drops == ()


def test_every_drop_says_why():
    parts, drops = divide([50], 100, [(0, 20, "black"), (60, 95, "static")], FPS, SETTINGS)
    assert [(part.start, part.end) for part in parts] == [(20, 49)]
    assert [(drop.start, drop.kind) for drop in drops] == [(0.0, "black"), (5.1, "short"), (6.0, "static"),
                                                           (9.5, "short")]
    assert drops[1].reason == "0.9 s, shorter than 2 s"


def parts_at(*starts: float) -> list[Part]:
    return [Part(number=number, start=round(start * FPS), frames=20, cut=True)
            for number, start in enumerate(starts, start=1)]


def test_sequences_are_evenly_long():
    sequences, drops = group(parts_at(0, 2, 4, 6), FPS, SETTINGS)
    assert [[part.number for part in sequence] for sequence in sequences] == [[1, 2], [3, 4]]
    assert drops == ()


def test_a_gap_begins_a_new_sequence_and_lonely_parts_are_dropped():
    far = 4 + LONGEST_GAP + 0.1
    sequences, drops = group(parts_at(0, 2, far, far + 40), FPS, SETTINGS)
    assert [[part.number for part in sequence] for sequence in sequences] == [[1, 2]]
    assert [drop.kind for drop in drops] == ["alone", "alone"]


def test_a_piece_whose_forerunner_is_gone_begins_with_a_cut():
    parts, _ = divide([], 90, [], FPS, SETTINGS)
    assert [part.cut for part in join(parts)] == [True, False, False]
    assert [part.cut for part in join(parts[1:])] == [True, False]
    assert [part.cut for part in join((parts[0], parts[2]))] == [True, True]
