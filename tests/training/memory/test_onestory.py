"""OneStory on films: inflated stories, judged by features that are kept on disk, trained, killed, filmed with."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.port import Candidate, GenerationRequest, Recollection
from filmagent.generation.trained.files import read_trained
from filmagent.generation.trained.filming import film_with
from filmagent.generation.wan.denoising.remembering import remembering
from filmagent.generation.wan.onestory.checkpoints import load_shaped_expert
from filmagent.generation.wan.onestory.expert import Pool, ShotMemory
from filmagent.scoring.colours import ColourFeatures
from filmagent.training.memory.adapting import load_learning_expert, put
from filmagent.training.memory.drawing import draw, usable_shots
from filmagent.training.memory.materials import changed_pictures
from filmagent.training.memory.trainer import plan_training, train_memory
from filmagent.training.onestory.drawing import kept_frames, recall_inflated
from filmagent.training.onestory.features import FilmFeatures
from filmagent.training.onestory.inflation import Origin
from filmagent.training.onestory.judging import judge
from tests.support.tiny_wan import corrupt
from tests.training.memory.toy_films import SIZE, ToyFilm, toy_base, toy_films, toy_settings

torch.set_num_threads(1)
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Told:
    """A shot of which only the length counts."""

    frame_count: int


@dataclass(frozen=True)
class Film:
    """A film of which only lengths and source count."""

    source: str
    shots: tuple[Told, ...]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=2, max_size=12), st.integers(0, 3), st.integers(0, 10**6), st.data())
def test_an_inflated_memory_is_earlier_shots_and_one_more_laid_end_to_end(lengths, others, seed, data):
    own = Film("own", tuple(map(Told, lengths)))
    films = [own, own, *(Film(f"other {number}", (Told(9), Told(30))) for number in range(others))]
    shot = data.draw(st.integers(1, len(lengths) - 1))
    recalled = recall_inflated(random.Random(seed), films, 0, shot)
    shots = list(dict.fromkeys((place.film, place.shot, place.changed_by) for place in recalled.memory))
    real = [index for film, index, changed in shots if film == 0 and changed is None]
    assert real == sorted(real) and 1 <= len(real) <= 7 and max(real) < shot
    ((film, index, changed),) = (each for each in shots if each not in {(0, number, None) for number in real})
    kinds = {Origin(origin) for origin in recalled.origins} - {Origin.REAL}
    if changed is None:
        assert kinds == {Origin.STRANGER} and films[film].source != "own"
    else:
        assert kinds == {Origin.AUGMENTED} and (film, index) == (0, real[0])
    assert len(recalled.memory) == len(recalled.filmed) == len(recalled.origins)
    assert list(recalled.filmed) == sorted(set(recalled.filmed)) and recalled.filmed[-1] < recalled.start
    assert recalled.start == sum(films[film].shots[index].frame_count for film, index, _ in shots)
    assert recalled == recall_inflated(random.Random(seed), films, 0, shot)


def test_a_first_shot_remembers_nothing_and_the_first_steps_bypass_the_selector():
    films, rng = toy_films(3), random.Random(0)
    usable, told = usable_shots(films, 5), toy_settings(policy="onestory", steps=100)
    drawn = [draw(rng, films, usable, told, step) for step in range(100)]
    assert {len(each.memory) for each in drawn if each.shot == 0} == {0}
    assert {each.shot == 0 or each.bypassed is not None for each in drawn[:15]} == {True}
    assert {each.bypassed for each in drawn[15:]} == {None} == {draw(rng, films, usable, told).bypassed}
    assert {Origin(origin) for each in drawn for origin in each.origins} == set(Origin)


def example_with(origin, films):
    rng, usable = random.Random(1), usable_shots(films, 5)
    drawn = (draw(rng, films, usable, toy_settings(policy="onestory"), 3) for _ in range(100))
    return next(each for each in drawn if origin in each.origins)


class Counting(ColourFeatures):
    """Colour features that count what they are asked."""

    asked = 0

    def embed(self, images):
        self.asked += len(images)
        return super().embed(images)


def test_films_are_looked_at_once_and_again_only_when_their_frames_change(tmp_path):
    films, eyes, told = toy_films(2), Counting(), []
    FilmFeatures(eyes, tmp_path).prepare(films, lambda done, of: told.append((done, of)))
    looked = eyes.asked
    assert looked == 2 * 4 * len(kept_frames(6)) and told == [(1, 2), (2, 2)]
    again = FilmFeatures(eyes, tmp_path)
    again.prepare(films)
    assert eyes.asked == looked
    seen = ColourFeatures().embed([films[0].shots[2].frames(index, 1)[0] for index in kept_frames(6)])
    assert np.array_equal(again.of(films[0], 2), seen)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.npz"))
    assert len(files) == 2 and all(file.startswith("colours-3x4/film-") for file in files)
    changed = ToyFilm("film-0", films[1].shots, ())
    FilmFeatures(eyes, tmp_path).prepare([changed])
    assert eyes.asked == looked + 4 * len(kept_frames(6))
    for spoil in (corrupt, lambda file: file.write_bytes(b"no archive")):
        spoil(tmp_path / files[1])
        with pytest.raises(ModelFilesError, match="delete it, and it is made again"):
            FilmFeatures(eyes, tmp_path).prepare(films)


def test_real_frames_are_judged_by_likeness_and_inserted_ones_by_rule():
    films, features = toy_films(3), FilmFeatures(ColourFeatures(), None)
    for origin, label in ((Origin.STRANGER, -1.0), (Origin.AUGMENTED, 0.0)):
        drawn = example_with(origin, films)
        judged = judge(features, films, drawn)
        assert judged.labels.shape == judged.origins.shape == (1, len(drawn.memory))
        assert set(judged.labels[judged.origins == origin].tolist()) == {label}
        target = features.of(films[drawn.film], drawn.shot).mean(axis=0)
        target /= np.linalg.norm(target)
        for place, kind, found in zip(drawn.memory, drawn.origins, judged.labels[0].tolist(), strict=True):
            if kind == Origin.REAL:
                frame = films[place.film].shots[place.shot].frames(place.frame, 1)
                assert found == pytest.approx(float(ColourFeatures().embed(list(frame))[0] @ target), abs=1e-5)


def test_a_changed_copy_shows_other_pictures_of_the_same_frames():
    shot = toy_films(1)[0].shots[0]
    plain = [shot.frames(frame, 1)[0] for frame in (1, 3)]
    changed = changed_pictures(shot, [1, 3], seed=4)
    assert [each.dtype for each in changed] == [np.uint8] * 2
    assert not any(np.array_equal(seen, before) for seen, before in zip(changed, plain, strict=True))
    assert np.array_equal(changed[1], changed_pictures(shot, [1, 3], seed=4)[1])
    assert not np.array_equal(changed[1], changed_pictures(shot, [1, 3], seed=5)[1])


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return toy_base(tmp_path_factory.mktemp("base"))


def plan(base, films=None, **changes):
    return plan_training(base, films or toy_films(3), toy_settings(policy="onestory", **changes))


def test_strangers_must_be_of_another_film(base):
    with pytest.raises(UsageError, match="sequences of two films or more"):
        plan(base, toy_films(2))
    made = plan(base, budget=2)
    assert made.decided["features"] == "colours-3x4" and ", budget 2 on tiny-wan" in str(made)


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    """Both experts, undisturbed."""
    out = tmp_path_factory.mktemp("whole")
    train_memory(plan(base), out, cpu=True)
    train_memory(plan(base, expert="low_noise", steps=1), out, cpu=True)
    return out


def test_a_killed_training_goes_on_to_the_same_weights(base, trained, tmp_path):
    words = [sys.executable, "-m", "tests.training.memory.killed_training", str(base.config.folder), str(tmp_path)]
    killed = subprocess.run([*words, "onestory", "3"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    steps = []
    train_memory(plan(base), tmp_path, cpu=True, on_step=lambda step, _: steps.append(step))
    assert steps == [3, 4], "the checkpoint is of step 2"
    name = "weights/backbone_high_noise.safetensors"
    assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()
    with pytest.raises(UsageError, match=r"budget 1 \(now 2\)"):
        train_memory(plan(base, budget=2), tmp_path, cpu=True)


def pictures(count):
    return tuple(np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8))


def test_what_learned_comes_back_with_its_selector_and_films(base, trained):
    generator = film_with(trained / "weights", base)
    shape = read_trained(trained / "weights/backbone_high_noise.safetensors").shape
    assert shape is not None and shape == generator.memory_shape
    back = load_shaped_expert(generator._with_memory, "transformer", torch.float32, shape)
    learned = load_learning_expert(base, toy_settings(policy="onestory"), torch.float32)
    put(learned, torch.load(trained / "high_noise/checkpoint.pt", weights_only=True)["average"])
    noise, seen = torch.Generator().manual_seed(0), []
    text, pool = torch.randn(1, 5, 16, generator=noise), torch.randn(1, 16, 12, 4, 4, generator=noise)
    shot = torch.randn(1, 36, 2, 4, 4, generator=noise)
    for expert in (back, learned.eval()):
        memory = ShotMemory(Pool(pool, tuple(range(-12, 0)), text, show=9))
        with torch.no_grad(), remembering({expert: memory}):
            seen.append((expert(shot, torch.tensor([300]), text).sample, memory.chosen))
    assert torch.allclose(seen[0][0], seen[1][0], atol=1e-6) and seen[0][1] == seen[1][1]
    told = Recollection(tuple(Candidate(8 * index) for index in range(12)), start=96, show=9)
    asked = GenerationRequest("the cat walks", "scene_cut", 1, SIZE, 5, memory=pictures(12), recollection=told)
    made = generator.generate(asked)
    assert made.frames.shape == (5, 32, 32, 3) and made.chosen["high_noise"]
    assert np.array_equal(made.frames, film_with(trained / "weights", base).generate(asked).frames)
    assert generator.capabilities.memory_candidates == 256


def test_experts_of_different_budgets_do_not_film_together(base, trained, tmp_path):
    for expert, budget in (("high_noise", 1), ("low_noise", 2)):
        name = f"backbone_{expert}.safetensors"
        content = (trained / "weights" / name).read_bytes()
        (tmp_path / name).write_bytes(content.replace(b'budget\\": 1', b'budget\\": %d' % budget))
    with pytest.raises(ModelFilesError, match="several policies, budgets, queries or ways of reading"):
        film_with(tmp_path, base)
