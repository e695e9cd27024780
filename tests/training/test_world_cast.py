"""The figures of the papercut world: every word is seen, stays in bounds and differs from every other."""

from __future__ import annotations

import dataclasses
import itertools

import aggdraw
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from filmagent.generation.papercut.vocabulary import ACTIONS, COLOURS, GARMENT_COLOURS, GARMENTS, KINDS, PATTERNS, PROPS
from filmagent.training.papercut.world.cast import draw_figure, draw_prop
from filmagent.training.papercut.world.pen import Pen
from filmagent.training.papercut.world.poses import Pose, phase_after, pose_at
from filmagent.training.papercut.world.script import Figure

SCALE, SIDE, GROUND = 64, 128, 104
PLAIN = Figure("cat", "orange", "scarf", "red")
STANDING = Pose()


def figure(kind, **changes):
    return dataclasses.replace(PLAIN, kind=kind, **changes)


def picture(draw, facing=1, silhouette=False):
    image = Image.new("L" if silhouette else "RGB", (SIDE, SIDE))
    canvas = aggdraw.Draw(image)
    draw(Pen(canvas, (SIDE / 2, GROUND), SCALE, facing=facing, silhouette=silhouette))
    canvas.flush()
    return np.asarray(image).astype(int)


def seen(who, pose=STANDING, prop=None, facing=1):
    return picture(lambda pen: draw_figure(pen, who, pose, prop), facing)


def mask(who, pose=STANDING, prop=None, facing=1):
    return picture(lambda pen: draw_figure(pen, who, pose, prop), facing, silhouette=True) > 127


def bounds(found):
    """Left, right, bottom and top in figure units."""
    rows, columns = np.nonzero(found)
    return (
        (columns.min() - SIDE / 2) / SCALE,
        (columns.max() + 1 - SIDE / 2) / SCALE,
        (GROUND - rows.max() - 1) / SCALE,
        (GROUND - rows.min()) / SCALE,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_keeps_to_its_place(kind):
    for action, garment, phase in itertools.product(ACTIONS, GARMENTS, (0.0, 0.3, 0.6)):
        prop = "lantern" if action == "carries" else None
        pose = pose_at(action, 0.0, phase)
        left, right, bottom, top = bounds(mask(figure(kind, garment=garment), pose, prop))
        assert left > -0.85 and right < 0.85, (action, garment)
        assert -0.04 <= bottom - pose.lift <= 0.15, (action, garment, phase)
        assert 0.3 < top - pose.lift < 1.27, (action, garment)


@pytest.mark.parametrize("kind", KINDS)
def test_a_standing_figure_is_about_one_high_with_its_feet_on_the_ground(kind):
    _, _, bottom, top = bounds(mask(figure(kind)))
    assert abs(bottom) < 0.03
    assert 0.85 < top < 1.2


@pytest.mark.parametrize("kind", KINDS)
def test_actions_begin_differently(kind):
    begun = {
        action: seen(figure(kind), pose_at(action, 0.0, 0.0), "ball" if action == "carries" else None)
        for action in ACTIONS
    }
    for first, second in itertools.combinations(ACTIONS, 2):
        assert (np.abs(begun[first] - begun[second]).sum(-1) > 60).sum() > 60, (first, second)


def test_no_two_kinds_share_a_silhouette():
    masks = {kind: mask(figure(kind)) for kind in KINDS}
    for first, second in itertools.combinations(KINDS, 2):
        overlap = (masks[first] & masks[second]).sum() / (masks[first] | masks[second]).sum()
        assert overlap < 0.88, (first, second, overlap)


@pytest.mark.parametrize("kind", KINDS)
def test_every_colour_pattern_and_garment_is_seen(kind):
    within = mask(figure(kind))
    looks = [figure(kind, colour=colour) for colour in COLOURS]
    looks += [figure(kind, garment_colour=colour) for colour in GARMENT_COLOURS if colour != "red"]
    looks += [figure(kind, garment=garment) for garment in GARMENTS[1:]]
    looks += [figure(kind, pattern=pattern, pattern_colour="black") for pattern in PATTERNS]
    pictures = [seen(who) for who in looks]
    for (first, a), (second, b) in itertools.combinations(zip(looks, pictures, strict=True), 2):
        if first != second:
            changed = (np.abs(a - b).sum(-1) > 40) & within
            assert changed.sum() > 25, (first, second)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pattern_stays_on_its_figure(kind):
    for pattern, action in itertools.product(PATTERNS, ACTIONS):
        pose = pose_at(action, 0.0, 0.2)
        worn = mask(figure(kind, pattern=pattern, pattern_colour="black"), pose)
        edge = np.asarray(Image.fromarray(mask(figure(kind), pose)).convert("L").filter(ImageFilter.MaxFilter(3))) > 0
        assert not (worn & ~edge).any(), (pattern, action)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pattern_is_seen_beside_a_vest(kind):
    plain = seen(figure(kind, garment="vest"))
    for pattern in PATTERNS:
        worn = seen(figure(kind, garment="vest", pattern=pattern, pattern_colour="black"))
        assert (np.abs(worn - plain).sum(-1) > 40).sum() > 20, pattern


@pytest.mark.parametrize("prop", PROPS)
def test_things_stand_on_the_ground_and_are_seen_carried(prop):
    left, right, bottom, top = bounds(picture(lambda pen: draw_prop(pen, prop), silhouette=True))
    assert left > -0.3 and right < 0.3 and abs(bottom) < 0.03 and 0.2 < top < 0.45
    for kind in KINDS:
        pose = pose_at("carries", 0.0, 0.0)
        changed = np.abs(seen(figure(kind), pose, prop) - seen(figure(kind), pose)).sum(-1) > 40
        assert changed.sum() > 100, kind


@pytest.mark.parametrize("kind", KINDS)
def test_facing_back_mirrors_a_figure(kind):
    ahead, back = mask(figure(kind)), mask(figure(kind), facing=-1)
    assert (ahead != back[:, ::-1]).mean() < 0.01


def test_the_silhouette_is_the_figure():
    for kind in KINDS:
        lit = seen(figure(kind, colour="yellow")).sum(-1) > 150
        assert (lit & ~mask(figure(kind))).mean() < 0.01


@given(st.sampled_from(ACTIONS), st.floats(0, 10), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_poses_are_continuous_cyclic_and_repeatable(action, seconds, phase):
    here, soon = pose_at(action, seconds, phase), pose_at(action, seconds, phase + 0.001)
    assert here == pose_at(action, seconds, phase)
    for field in dataclasses.fields(Pose):
        a, b, c = (getattr(pose, field.name) for pose in (here, soon, pose_at(action, seconds, phase + 1)))
        if isinstance(a, float):
            assert abs(a - b) < 0.02
            assert a == pytest.approx(c, abs=1e-6)
        else:
            assert a == b == c


@given(st.sampled_from(KINDS), st.sampled_from(ACTIONS), st.integers(0, 8))
@settings(max_examples=60, deadline=None)
def test_an_exposure_later_much_of_a_figure_is_where_it_was(kind, action, exposure):
    before, after = (mask(figure(kind), pose_at(action, 0.25 * when, 0.0)) for when in (exposure, exposure + 1))
    assert (before & after).sum() / (before | after).sum() > 0.25


@pytest.mark.parametrize("action", ACTIONS)
def test_movements_are_two_poses_that_are_held_within_a_latent_frame(action):
    first, *later = [pose_at(action, frame / 8, 0.0) for frame in range(17)]
    exposures = [later[start : start + 2] for start in range(0, 16, 2)]
    assert all(one == other for one, other in exposures)
    poses = [first, *(one for one, _ in exposures)]
    assert len({str(pose) for pose in poses}) == 2
    latent_frames = [later[start : start + 4] for start in range(0, 16, 4)]
    if action in ("sits", "sleeps", "looks", "eats", "jumps"):
        assert all(frames == [frames[0]] * 4 for frames in latent_frames)
        assert latent_frames[0] != latent_frames[1]
        assert latent_frames[0] == latent_frames[2]
    else:
        assert all(frames == latent_frames[0] for frames in latent_frames)
        assert latent_frames[0][-1] == first


@given(st.sampled_from(ACTIONS), st.floats(0, 10), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_an_action_goes_on_in_the_phase_it_has_reached(action, seconds, phase):
    reached = phase_after(action, seconds, phase)
    assert 0 <= reached < 1
    there, then = pose_at(action, 0.0, reached), pose_at(action, seconds, phase)
    assert there.stride == pytest.approx(then.stride, abs=1e-6)
    assert there.bow == pytest.approx(then.bow, abs=1e-6)
    assert there.wave == pytest.approx(then.wave, abs=1e-6)


def test_an_unknown_action_is_an_error():
    with pytest.raises(KeyError, match="flies"):
        pose_at("flies", 0.0, 0.0)
