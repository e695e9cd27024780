"""What a Wan generator does ahead: prompts in one visit of the text encoder, seams encoded early, the same frames."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from filmagent.errors import GenerationError
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan.budget.ladder import CARD_LADDER
from filmagent.generation.wan.compute.precision import choose_precision
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.generation.wan.models import Placement
from filmagent.graphs.ahead import ExpectsPrompts, Prepares
from tests.support.tiny_wan import build_tiny_wan, tiny_config, tiny_generator
from tests.support.wan_film import pictures as pictures_in
from tests.support.wan_film import wan_film, wan_generator

RUNG = {rung.name: rung for rung in CARD_LADDER}
PROMPTS = ("the cat walks", "a dog runs", "the red forest")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_wan(tmp_path_factory.mktemp("wan"))


def pictures(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


CUT = GenerationRequest(prompt=PROMPTS[0], link="scene_cut", seed=1, size=FrameSize(32, 32), frames=9)
JOIN = replace(CUT, prompt=PROMPTS[1], link="MM2V", seam=pictures(5), memory=tuple(pictures(2, 7)))


def placed(folder, rung, precision="float32"):
    generator = WanStoryMemGenerator(tiny_config(folder))
    generator._placed = Placement(choose_precision(precision, torch.device("cpu")), RUNG[rung], room=0)
    return generator


def in_another_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def watched(generator):
    """The generator's visits of the text encoder, the texts encoded, and the clips that the VAE encoded."""
    pipeline, visits, texts, clips = generator._load().pipeline, [], [], []
    moved = type(pipeline.text_encoder).to
    pipeline.text_encoder.to = lambda *where: (visits.append(1), moved(pipeline.text_encoder, *where))[1]
    pipeline.text_encoder.register_forward_pre_hook(lambda *_: texts.append(1))
    pipeline.vae.encoder.register_forward_pre_hook(lambda *_: clips.append(1))
    return visits, texts, clips


def test_it_can_both(folder):
    assert isinstance(tiny_generator(folder), ExpectsPrompts) and isinstance(tiny_generator(folder), Prepares)


def test_the_prompts_of_a_film_are_encoded_in_one_visit(folder):
    plain = [tiny_generator(folder).generate(replace(CUT, prompt=prompt)).frames for prompt in PROMPTS]
    generator = tiny_generator(folder)
    visits, texts, _ = watched(generator)
    for number, prompt in enumerate(PROMPTS):
        generator.expect(PROMPTS[number + 1 :])
        assert np.array_equal(generator.generate(replace(CUT, prompt=prompt)).frames, plain[number])
    assert (len(visits), len(texts)) == (2, len(PROMPTS) + 1), "there and back, and the negative prompt"


def test_a_prompt_to_come_that_is_too_long_is_an_error_of_its_own_shot(folder):
    generator = tiny_generator(folder)
    generator.expect(["cat " * 20])
    generator.generate(CUT)
    with pytest.raises(GenerationError, match="21 tokens"):
        generator.generate(replace(CUT, prompt="cat " * 20))


def test_a_text_encoder_that_never_leaves_the_cpu_is_asked_for_one_shot_at_a_time(folder):
    generator = placed(folder, "blocks")
    _, texts, _ = watched(generator)
    generator.expect(PROMPTS[1:])
    generator.generate(CUT)
    assert len(texts) == 2


@pytest.mark.parametrize(("rung", "precision"), [("resident", "float32"), ("resident", "bfloat16"),
                                                 ("swap", "float32"), ("tiles", "float32")])
def test_a_seam_that_was_encoded_ahead_gives_the_same_frames(folder, rung, precision):
    plain = placed(folder, rung, precision)
    plain.generate(CUT)
    wanted = plain.generate(JOIN).frames
    early = placed(folder, rung, precision)
    _, _, clips = watched(early)
    early.generate(CUT)
    before = len(clips)
    in_another_thread(lambda: early.prepare(replace(JOIN, memory=())))
    prepared = len(clips)
    assert prepared > before
    assert np.array_equal(early.generate(JOIN).frames, wanted)
    each = (len(clips) - prepared) / len(JOIN.memory)
    assert each == 1 or rung == "tiles", "what is left are the memory frames"


def test_nothing_is_loaded_ahead_and_nothing_is_done_once_cancelled(folder):
    generator = tiny_generator(folder)
    generator.prepare(JOIN)
    assert generator._models is None
    _, _, clips = watched(generator)
    generator.prepare(replace(JOIN, cancelled=lambda: True))
    assert clips == []


def test_memory_that_ends_ahead_leaves_nothing_broken(folder, monkeypatch):
    generator = tiny_generator(folder)
    wanted = generator.generate(JOIN).frames
    early = tiny_generator(folder)
    early.generate(CUT)

    def refuse(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(early._models.pipeline.vae, "encode", refuse)
    with pytest.raises(torch.OutOfMemoryError):
        early.prepare(replace(JOIN, memory=()))
    assert early._models is None
    shot = early.generate(JOIN)
    assert np.array_equal(shot.frames, wanted) and shot.notes == ()


def test_a_film_is_the_same_with_and_without(folder, tmp_path):
    class Plain(WanStoryMemGenerator):
        expect = prepare = None

    early = wan_generator(folder)
    plain = Plain(early.config, early._translate)
    assert not isinstance(plain, Prepares | ExpectsPrompts)
    for name, generator in (("early", early), ("plain", plain)):
        wan_film(tmp_path / name, generator)
    assert pictures_in(tmp_path / "early") == pictures_in(tmp_path / "plain")
