"""How papercut films a cut: the opening picture first, then on from it; with toy weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmagent.errors import GenerationCancelledError, UsageError
from filmagent.generation.costs import ShotShape
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan.config import PictureFilming
from filmagent.generation.wan.generator import WanStoryMemGenerator
from tests.support.tiny_wan import build_tiny_wan, tiny_config

SIZE = FrameSize(32, 32)


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return tiny_config(build_tiny_wan(tmp_path_factory.mktemp("weights"), experts=1), experts=1)


@pytest.fixture(scope="module")
def generator(config):
    return PapercutGenerator(config)


@pytest.fixture(scope="module")
def plain(config):
    return WanStoryMemGenerator(config)


@pytest.fixture(scope="module")
def unguided(config):
    return WanStoryMemGenerator(replace(config, sampling=replace(config.sampling, guidance=1.0)))


def request(**changes):
    shot = GenerationRequest(prompt="wide shot the cat walks", link="scene_cut", seed=3, size=SIZE, frames=9)
    return replace(shot, **changes)


def picture(value):
    return np.full((32, 32, 3), value, np.uint8)


def test_a_cut_is_its_opening_picture_filmed_on_without_guidance(generator, plain, unguided):
    made = generator.generate(request(memory=(picture(40),)))
    opening = plain.generate(request(memory=(picture(40),), frames=1)).frames
    later = unguided.generate(request(link="MI2V", seam=opening)).frames
    assert made.frames.shape == (9, 32, 32, 3)
    assert np.array_equal(made.frames, np.concatenate([opening, later]))


@pytest.mark.parametrize(("link", "count"), [("MI2V", 1), ("MM2V", 5)])
def test_a_join_is_made_as_everywhere_but_without_guidance(generator, unguided, link, count):
    seam = np.stack([picture(30 + 20 * index) for index in range(count)])
    made = generator.generate(request(link=link, seam=seam))
    assert np.array_equal(made.frames, unguided.generate(request(link=link, seam=seam)).frames)


def test_filming_on_takes_fewer_steps_than_a_picture(config):
    def steps_of(link, **changes):
        seen = []
        many = replace(config, sampling=replace(config.sampling, steps=12, steps_on=7))
        WanStoryMemGenerator.generate(
            PapercutGenerator(many), request(link=link, on_step=lambda step, _: seen.append(step), **changes)
        )
        return len(seen)

    counted = {"scene_cut": steps_of("scene_cut", frames=1), "MI2V": steps_of("MI2V", seam=picture(9)[None])}
    assert counted == {"scene_cut": 12, "MI2V": 7}


def test_progress_runs_to_the_end_and_never_back(generator):
    seen = []
    generator.generate(request(on_step=lambda step, steps: seen.append((step, steps))))
    steps = [step for step, _ in seen]
    assert steps == sorted(steps)
    assert len({total for _, total in seen}) == 1
    assert steps[-1] == seen[-1][1]


def test_it_can_be_stopped_in_the_opening_picture(generator):
    with pytest.raises(GenerationCancelledError):
        generator.generate(request(cancelled=lambda: True))


def test_what_cannot_be_made_is_refused_before_the_opening_picture(generator):
    steps = []
    with pytest.raises(UsageError, match="frames"):
        generator.generate(request(frames=8, on_step=lambda step, steps_: steps.append(step)))
    assert steps == []


def test_a_cut_is_got_ready_by_a_model_that_films_picture_by_picture(config):
    generator = PapercutGenerator(replace(config, filming=PictureFilming(looks_back=3, at_once=2, shown_for=2)))
    cut, seam = request(), picture(90)[None]
    plain = generator.generate(cut).frames
    generator.prepare(cut)
    generator.prepare(request(link="MI2V", seam=seam))
    assert np.array_equal(generator.generate(cut).frames, plain)


def test_its_takes_are_not_the_plain_generators_takes(generator, plain):
    assert dict(generator.fingerprint) != dict(plain.fingerprint)


def test_the_opening_picture_is_paid_for(generator, plain, unguided):
    shape = ShotShape(SIZE, 9, 2)
    opening, later = plain.cost(replace(shape, frames=1)), unguided.cost(replace(shape, memory=0))
    both = generator.cost(shape)
    assert both.denoise_flops == pytest.approx(later.denoise_flops + opening.denoise_flops)
    assert (both.forwards, both.tokens) == (opening.forwards + later.forwards, later.tokens)


def test_a_picture_alone_costs_what_its_memory_makes_it_cost(generator):
    shape = ShotShape(SIZE, 1, memory=4)
    assert generator.cost(shape).tokens == 5 * generator.cost(replace(shape, memory=0)).tokens
    assert generator.cost(replace(shape, frames=5)).tokens >= generator.cost(shape).tokens
