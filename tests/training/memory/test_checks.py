"""Everything is checked before weights load: base, films and settings, each with a message that says what to do."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.port import FrameSize
from filmagent.generation.trained.bases import open_base, wan_base
from filmagent.training.memory import cli
from filmagent.training.memory.materials import most_kept
from filmagent.training.memory.reading import as_captioned, as_paragraph, films_of
from filmagent.training.memory.trainer import plan_training
from filmagent.training.memory.words import words_for
from filmagent.training.sequences.reader import open_sequences
from tests.support.tiny_wan import build_tiny_wan, corrupt
from tests.training.memory.toy_films import ToyFilm, ToyShot, toy_base, toy_films, toy_settings
from tests.training.sequences.toy_sequences import read_record, toy_sequences, write_record


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return toy_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two sequences of two clips: 1.5 seconds, 64x48, 24 frames a second."""
    folder = toy_sequences(tmp_path_factory.mktemp("data"))
    write_record(folder, {**read_record(folder), "sequence_id": "toy-002"}, "toy-002")
    return folder


def plan(base, films=None, **changes):
    return plan_training(base, films or toy_films(2), toy_settings(**changes))


def test_a_plan_says_what_would_be_trained(base):
    said = str(plan(base))
    assert said == (
        "storymem on tiny-wan, high_noise: 1 films with 4 usable shots, 1 held out; 5 frames of 32x32, "
        "rank 4, rate 0.01, 4 steps of 1 examples"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"expert": "denoiser"}, "tiny-wan has no denoiser expert; choose from high_noise, low_noise"),
        ({"size": FrameSize(40, 32)}, "multiples of 16"),
        ({"size": FrameSize(1024, 1024)}, "give a smaller one"),
        ({"frames": 13}, "13 frames are more than tiny-wan makes, 9"),
        ({"frames": 9}, "no shot has 9 frames, the longest has 6"),
        ({"frames": 6}, r"4 n \+ 1"),
        ({"rank": 0}, "rank is 0: give 1 or more"),
        ({"rate": 0.0}, "learning rate is 0.0"),
        ({"first_frame": 0.8, "motion_frames": 0.4}, "more than all examples"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(base, changes, message):
    with pytest.raises(UsageError, match=message):
        plan(base, **changes)


def test_eight_bit_states_need_bitsandbytes(base, monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)  # as if it were not installed
    with pytest.raises(UsageError, match="pip install bitsandbytes"):
        plan(base, eight_bit=True)


def test_films_that_teach_nothing_are_refused(base):
    with pytest.raises(UsageError, match=r"1 sequence\(s\): one is held out"):
        plan(base, toy_films(1))
    with pytest.raises(UsageError, match="no sequence has reconstruction targets"):
        plan(base, toy_films(2, with_targets=False), policy="memento")
    single = [ToyFilm(film.name, film.shots[:1], ()) for film in toy_films(2)]
    with pytest.raises(UsageError, match="nothing to remember"):
        plan(base, single)


def test_encoded_shots_are_kept_up_to_half_a_gigabyte():
    for size, frames in ((FrameSize(224, 128), 1), (FrameSize(224, 128), 17), (FrameSize(832, 480), 81)):
        a_shot = 4 * 16 * (1 + (frames - 1) // 4) * size.width * size.height // 64
        assert most_kept(size, frames) * a_shot <= 1 << 29 < (most_kept(size, frames) + 1) * a_shot
    assert most_kept(FrameSize(16384, 16384), 81) == 1, "the shot at work, however large"


def test_mementos_parts_can_be_left_out(base):
    assert "memento on tiny-wan" in str(plan(base, policy="memento"))
    alone = plan(base, toy_films(2, with_targets=False), policy="memento", reconstruction=0.0)
    assert "memento, without reconstruction, on tiny-wan" in str(alone)
    assert "memento, global queries alone, on tiny-wan" in str(plan(base, policy="memento", queries="global"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"policy": "memento", "reconstruction": 1.5}, "a reconstruction share of 1.5: give 0"),
        ({"policy": "memento", "reconstruction": -0.1}, "a reconstruction share of -0.1: give 0"),
        ({"policy": "memento", "reconstruction": float("nan")}, "a reconstruction share of nan: give 0"),
        ({"policy": "memento", "queries": "near"}, "queries 'near': Memento's are both, local, global"),
        ({"policy": "storymem", "reconstruction": 0.0}, "reconstruction 0.0: that is Memento's; storymem has none"),
        ({"policy": "onestory", "queries": "local"}, "queries local: that is Memento's; onestory has none"),
    ],
)
def test_parts_of_memento_that_cannot_be_meant_are_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        toy_settings(**changes)


def test_a_caption_that_is_too_long_is_refused_and_named(base):
    class Wordy(ToyShot):
        prompt = "cat " * 60

    film = toy_films(2)[0]
    wordy = replace(film, name="wordy", shots=(*film.shots, Wordy(film.shots[0].story, 0)))
    with pytest.raises(UsageError, match=r"wordy, shot 5: the caption has 61 tokens, tiny-wan reads 40"):
        plan(base, [wordy, film])


def test_a_broken_base_is_refused_before_anything_loads(tmp_path):
    base = toy_base(tmp_path)
    corrupt(tmp_path / "vae/diffusion_pytorch_model.safetensors")
    with pytest.raises(ModelFilesError, match=r"vae.*broken"):
        plan(base)


def test_a_base_of_another_class_is_refused(tmp_path):
    base = toy_base(tmp_path)
    for part in ("transformer", "transformer_2"):
        config = tmp_path / part / "config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), "in_channels": 16}))
    with pytest.raises(
        ModelFilesError, match=r"reads 16 channels; memory is trained on Wan2\.2's image-to-video class"
    ):
        plan(base)


def test_bases_by_their_words(tmp_path):
    papercut = open_base("papercut", "storymem")
    assert papercut.experts == ("denoiser",) and (papercut.rank, papercut.config.adapters) == (16, ())
    wan = open_base("wan2.2", "memento")
    assert wan.experts == ("high_noise", "low_noise") and (wan.rank, wan.config.adapters) == (128, ())
    assert (wan.config.sampling.shift, open_base("wan2.2", "storymem").config.sampling.shift) == (5.0, 4.0)
    build_tiny_wan(tmp_path / "mine", experts=1)
    assert open_base(str(tmp_path / "mine"), "storymem").experts == ("denoiser",)
    assert wan_base("mine", tmp_path / "mine", "memento", "").config.adapter_card is None
    assert open_base("wan2.2", "onestory").config.sampling.shift == 5.0
    with pytest.raises(UsageError, match=r"neither papercut, wan2\.2 nor a folder"):
        open_base("wan9", "storymem")


def test_a_curated_folder_is_read_in_the_bases_words_and_size(data):
    films = films_of(open_sequences(data), as_paragraph, FrameSize(32, 16), 16)
    assert [film.name for film in films] == ["toy-001", "toy-002"]
    shot = films[0].shots[1]
    assert shot.prompt == "[Animal A] sleeps in a wide shot. [Animal A]: an orange cat with a blue scarf."
    assert shot.frame_count == 24 and shot.frames(19, 5).shape == (5, 16, 32, 3)
    assert films[0].targets[0].picture().shape == (16, 32, 3) and films[0].targets[0].shot == 0
    assert films[0].targets[0].caption == "[Animal A] an orange cat, asleep"
    assert (
        films_of(open_sequences(data), as_captioned, FrameSize(32, 16), 16)[0]
        .shots[0]
        .prompt.startswith("global caption: [Animal A]: an orange cat with a blue scarf; shot caption:")
    )
    papercut = films_of(
        open_sequences(data),
        words_for(open_base("papercut", "memento"), "memento"),
        FrameSize(32, 16),
        16,
        own_captions=False,
    )
    assert "cat" in papercut[0].shots[0].prompt and "[" not in papercut[0].shots[0].prompt
    assert papercut[0].targets[0].caption == papercut[0].shots[0].prompt


def words(data, base, out, *more):
    return ["--base", str(base), "--data", str(data), "--out", str(out), *more]


def test_the_command_checks_and_trains_nothing_when_told_so(data, tmp_path, capsys):
    given = words(data, "papercut", tmp_path / "out", "--check", "--policy", "storymem")
    assert cli.main(given) == 0
    said = capsys.readouterr().err
    assert "storymem on papercut, denoiser: 1 films with 2 usable shots, 1 held out" in said
    assert not (tmp_path / "out").exists()


def test_the_command_leaves_parts_of_memento_out(data, tmp_path, capsys):
    for name in ("toy-001", "toy-002"):
        (tmp_path / "sequences").mkdir(exist_ok=True)
        write_record(tmp_path, {**read_record(data, name), "reconstruct_targets": []}, name)
    (tmp_path / "clips").symlink_to(data / "clips")
    given = words(tmp_path, "papercut", tmp_path / "out", "--check", "--policy", "memento")
    assert cli.main([*given, "--reconstruction", "0", "--queries", "local"]) == 0
    assert "memento, local queries alone, without reconstruction, on papercut" in capsys.readouterr().err
    with pytest.raises(UsageError, match=r"no sequence has reconstruction targets.* or give --reconstruction 0"):
        cli.main(given)


def test_the_command_refuses_what_it_cannot_do(data, tmp_path):
    for given, message in (
        (("--policy", "onestory"), "sequences of two films or more"),
        (("--policy", "storymem", "--frames", "5"), r"papercut films on picture by picture.* leave --frames out"),
        (("--policy", "onestory", "--budget", "4"), "a budget of 4 latent frames: OneStory's are 1, 2, 3"),
        (("--policy", "storymem", "--budget", "2"), "the budget is OneStory's; storymem has none"),
        (("--policy", "memento", "--cached-memory"), "cached memory is an option of storymem"),
        (("--policy", "memento", "--reconstruction", "2"), "a reconstruction share of 2.0"),
        (("--policy", "storymem", "--reconstruction", "0.8"), "--reconstruction is Memento's; storymem has none"),
        (("--policy", "onestory", "--queries", "both"), "--queries is Memento's; onestory has none"),
    ):
        with pytest.raises(UsageError, match=message):
            cli.main(words(data, "papercut", tmp_path, *given))
    with pytest.raises(UsageError, match="holds no sequences"):
        cli.main(words(tmp_path, "papercut", tmp_path, "--policy", "storymem"))
    with pytest.raises(UsageError, match="write it as WIDTHxHEIGHT"):
        cli.main(words(data, "papercut", tmp_path, "--policy", "storymem", "--size", "big"))
    with pytest.raises(UsageError, match="papercut has no low_noise expert"):
        cli.main(words(data, "papercut", tmp_path, "--policy", "storymem", "--expert", "low_noise"))
    with pytest.raises(ModelFilesError, match=r"no model folder|missing"):
        cli.main(words(data, "wan2.2", tmp_path, "--policy", "storymem"))


def test_the_command_trains_a_folder_of_ones_own(data, tmp_path, capsys):
    build_tiny_wan(tmp_path / "mine", experts=1)
    more = ("--policy", "storymem", "--size", "32x32", "--frames", "5", "--rank", "2", "--steps", "1", "--cpu")
    assert cli.main(words(data, tmp_path / "mine", tmp_path / "out", *more)) == 0
    assert "weights: " in capsys.readouterr().err
    made = sorted(path.relative_to(tmp_path / "out").as_posix() for path in Path(tmp_path / "out").rglob("*.*"))
    assert made == [
        "denoiser/checkpoint.pt",
        "denoiser/curve.png",
        "denoiser/metrics.jsonl",
        "denoiser/validation-000001.png",
        "weights/backbone.safetensors",
    ]
