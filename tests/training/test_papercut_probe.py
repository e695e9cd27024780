"""The probe: what it is asked, that it learns, goes on, and comes back from its files as it was."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from filmagent.errors import ModelFilesError, ScoringError
from filmagent.generation.papercut.vocabulary import KINDS, SIZES
from filmagent.training.papercut.probe.data import NO_ANSWER, batch_of, draw_sample, sample_of, soften
from filmagent.training.papercut.probe.net import (
    LARGEST,
    SMALLEST,
    ProbeNet,
    load_probe,
    save_probe,
    window_at,
)
from filmagent.training.papercut.probe.questions import FIGURE_QUESTIONS, IDENTITY, PICTURE_QUESTIONS, Reading, truth_of
from filmagent.training.papercut.probe.reader import TrainedProbe, pairs_of, probe_folder, who_is_there
from filmagent.training.papercut.probe.train import (
    ProbeTraining,
    export_probe,
    figure_losses,
    measure_probe,
    probe_loss,
    train_probe,
)
from filmagent.training.papercut.world import Figure, Performance, render_frames, seen_at
from tests.support.toy_probe import BOTH, CPU, DOG, TINY

TOY = ProbeTraining(minutes=60, batch=4, pool=6, fresh=2, size=TINY)


def test_the_truth_answers_every_question_of_who_is_there():
    truth = truth_of(BOTH, 1.0)
    assert truth.kinds == ("cat", "dog")
    assert set(truth.picture) == set(PICTURE_QUESTIONS)
    assert set(truth.figures["cat"]) == set(FIGURE_QUESTIONS)
    assert set(FIGURE_QUESTIONS) - set(truth.figures["dog"]) == {"pattern_colour"}  # a plain dog has none
    assert truth.figures["dog"]["build"] is None and truth.figures["dog"]["position"] == "right"
    for question, answers in {**PICTURE_QUESTIONS}.items():
        assert truth.picture[question] in answers
    for question, answer in truth.figures["cat"].items():
        assert answer in FIGURE_QUESTIONS[question]
    assert Reading.from_json(json.loads(json.dumps(truth.as_json()))) == truth


def test_nobody_is_asked_for_a_pattern_that_cannot_be_seen():
    def asked(garment: str, pattern: str | None) -> set[str]:
        horse = Figure("horse", "yellow", garment, "white", pattern, "black" if pattern else None)
        script = replace(BOTH, figures=(horse, DOG), performances=(Performance(0, "sits", 1, 0.5),))
        return set(FIGURE_QUESTIONS) - set(truth_of(script, 0.0).figures["horse"])

    assert asked("bow", "spots") == set()
    assert asked("vest", "spots") == {"pattern", "pattern_colour"}
    assert asked("vest", None) == {"pattern", "pattern_colour"}, "who could say that it is plain?"
    assert asked("bow", None) == {"pattern_colour"}


def test_a_walker_is_where_it_has_come_to():
    walker = replace(BOTH, performances=(Performance(0, "walks", 1, 0.3),))
    assert truth_of(walker, 0.0).figures["cat"]["position"] == "left"
    assert truth_of(walker, 2.0).figures["cat"]["position"] == "middle"


def test_a_batch_holds_the_truth():
    batch = batch_of([sample_of(BOTH, 0), sample_of(replace(BOTH, performances=()), 3)], CPU)
    assert batch.frames.shape == (2, 6, 128, 224) and batch.frames.abs().max() <= 0.5
    assert batch.presence.sum(1).tolist() == [2, 0]
    assert [KINDS[kind] for kind in batch.kinds] == ["cat", "dog"] and batch.rows.tolist() == [0, 0]
    labels = {
        name: [FIGURE_QUESTIONS[name][i] if i != NO_ANSWER else "-" for i in found.tolist()]
        for name, found in batch.figures.items()
    }
    assert labels["colour"] == ["white", "brown"] and labels["pattern_colour"] == ["red", "-"]
    assert set(batch.cells[0].unique().tolist()) == {0, 1 + KINDS.index("cat"), 1 + KINDS.index("dog")}
    columns = [(batch.cells[0] == 1 + KINDS.index(kind)).nonzero()[:, 1].float().mean() for kind in ("cat", "dog")]
    assert columns[0] < 14 < columns[1]
    assert batch.cells[1].max() == 0


def test_a_picture_is_one_moment_twice_and_not_asked_what_is_done():
    sample = sample_of(BOTH, 4, apart=0)
    assert np.array_equal(sample.pair[..., :3], sample.pair[..., 3:])
    assert np.array_equal(sample.pair[..., :3], sample_of(BOTH, 4).pair[..., :3])
    batch = batch_of([sample], CPU)
    assert (batch.figures["action"] == NO_ANSWER).all() and (batch.figures["colour"] != NO_ANSWER).all()
    drawn = [draw_sample(random.Random(seed)) for seed in range(40)]
    still = sum(np.array_equal(each.pair[..., :3], each.pair[..., 3:]) for each in drawn)
    assert 4 <= still <= 22, "some are pictures, most are shots"


def test_softened_frames_change_but_both_of_a_pair_alike():
    frames = batch_of([sample_of(replace(BOTH, weather="clear", performances=()), 0)], CPU).frames
    torch.manual_seed(0)
    softened = soften(frames)
    assert softened.shape == frames.shape and 0.001 < (softened - frames).abs().mean() < 0.08
    assert (softened[:, :3].mean() - softened[:, 3:].mean()).abs() < 0.002


def test_a_question_is_answered_from_the_figure_that_is_asked_about():
    torch.manual_seed(0)
    net = ProbeNet(TINY).eval()
    seen = net(batch_of([sample_of(BOTH, 0)], CPU).frames)
    rows, cat, dog = torch.zeros(1, dtype=torch.long), torch.tensor([KINDS.index("cat")]), torch.tensor([1])
    other = seen.dense.clone()
    other[:, 1 + KINDS.index("cat")] -= 50.0
    other[:, 1 + KINDS.index("cat"), 3, 4] += 100.0  # the map now says that the cat is in this one cell
    moved = replace(seen, dense=other)
    far, near = seen.frames.clone(), seen.frames.clone()
    far[:, :, 80:, 80:] += 1.0
    near[:, :, 24:32, 32:40] += 1.0  # the cell itself
    for question in IDENTITY:
        apart = (
            net.figure_logits(moved, rows, cat)[question],
            net.figure_logits(replace(moved, frames=far), rows, cat)[question],
        )
        torch.testing.assert_close(*apart, msg=question)
        assert not torch.allclose(apart[0], net.figure_logits(replace(moved, frames=near), rows, cat)[question])
    assert not torch.equal(net.figure_logits(seen, rows, cat)["colour"], net.figure_logits(seen, rows, dog)["colour"])


def test_a_tall_figure_is_told_from_a_near_one():
    torch.manual_seed(0)
    net = ProbeNet(TINY).eval()
    seen = net(batch_of([sample_of(BOTH, 0)], CPU).frames)
    look = net.look(seen, torch.zeros(1, dtype=torch.long), torch.tensor([KINDS.index("cat")]))
    assert SMALLEST <= float(look.side) <= LARGEST
    told, further = net.tell(look), net.tell(replace(look, side=look.side * 1.2))
    assert not torch.equal(told.heights, further.heights)
    assert not torch.equal(told.answers["build"], further.answers["build"])


def test_a_build_is_read_from_height_shot_size_and_company():
    torch.manual_seed(0)
    net = ProbeNet(TINY).eval()
    seen = net(batch_of([sample_of(BOTH, 0)], CPU).frames)
    look = net.look(seen, torch.zeros(1, dtype=torch.long), torch.tensor([KINDS.index("cat")]))
    told = net.tell(look)
    with torch.no_grad():
        net.height.steps.bias += 1.0
    taller = net.tell(look)
    torch.testing.assert_close(taller.heights, told.heights + 1.0)
    assert not torch.allclose(taller.answers["build"], told.answers["build"])


@pytest.mark.parametrize(
    ("height", "size", "company", "build"),
    [
        (2.0, "wide", 1, None),
        (2.9, "wide", 1, "big"),
        (2.9, "medium", 1, None),
        (2.9, "medium", 2, "big"),
        (2.9, "close", 1, "small"),
    ],
)
def test_the_same_height_is_another_build_in_another_shot(height: float, size: str, company: int, build: str | None):
    told = ProbeNet(TINY).height
    sizes = torch.where(torch.tensor([name == size for name in SIZES]), 20.0, -20.0)[None]
    counts = torch.where(torch.arange(4) == company, 20.0, -20.0)[None]
    against = told.against(torch.tensor([height]), sizes, counts)
    assert FIGURE_QUESTIONS["build"][int(against.argmin())] == build


def test_who_is_there_is_decided_together_with_how_many():
    def found(dog: float, counts: tuple[float, float, float, float]) -> tuple[str, ...]:
        shares = torch.full((len(KINDS),), 0.02)
        shares[KINDS.index("cat")], shares[KINDS.index("dog")] = 0.9, dog
        return who_is_there(shares, torch.tensor(counts).log())

    assert found(0.3, (0.01, 0.1, 0.85, 0.04)) == ("cat", "dog"), "two are seen, and nobody else is as likely"
    assert found(0.3, (0.01, 0.85, 0.1, 0.04)) == ("cat",)
    assert found(0.7, (0.01, 0.85, 0.1, 0.04)) == ("cat",)
    assert found(0.7, (0.01, 0.5, 0.45, 0.04)) == ("cat", "dog")


def test_a_position_is_where_the_camera_shows_somebody():
    sitter = replace(BOTH, performances=(Performance(0, "sits", 1, 0.4),))
    assert truth_of(sitter, 1.5).figures["cat"]["position"] == "middle"
    assert truth_of(replace(sitter, camera="right"), 1.5).figures["cat"]["position"] == "left", "it slides to the left"
    drawn = render_frames(replace(sitter, camera="right"), [12])
    middle = np.nonzero(drawn.masks[0][0].any(axis=0))[0].mean() / 224
    assert middle == pytest.approx(seen_at(replace(sitter, camera="right"), sitter.performances[0], 1.5), abs=0.04)


@pytest.mark.parametrize(
    ("size", "company", "start", "camera", "height"),
    [
        ("wide", 2, 0, "still", 2.0),
        ("close", 2, 0, "still", 4.0),
        ("wide", 1, 0, "still", 3.0),
        ("wide", 1, 4, "in", 3.0 + math.log(1.06) / math.log(1.2)),
    ],
)
def test_heights_are_steps_of_size_company_and_build(size: str, company: int, start: int, camera: str, height: float):
    script = replace(BOTH, size=size, camera=camera, performances=BOTH.performances[:company])
    batch = batch_of([sample_of(script, start)], CPU)
    assert batch.heights[0] == pytest.approx(height)
    assert company == 1 or batch.heights[1] == pytest.approx(height - 1), "the dog is of middle build"


def test_heights_that_are_off_are_told_apart_from_those_that_are_right():
    batch = batch_of([sample_of(BOTH, 0)], CPU)
    net = ProbeNet(TINY).eval()
    told = replace(net.tell(net.look(net(batch.frames), batch.rows, batch.kinds)), heights=batch.heights)
    off = replace(told, heights=batch.heights + 1.0)
    right, wrong = (figure_losses(each, batch.figures, batch.heights)["height"] for each in (told, off))
    assert right == 0 and wrong == pytest.approx(1 - 0.15)


@pytest.mark.parametrize(
    ("centre", "spread", "sees"),
    [
        ((0.0, 0.0), (0.1, 0.2), (112, 64, 4.3 * 0.2 * 64)),
        ((0.5, -0.25), (0.3, 0.1), (168, 48, 4.3 * 0.3 * 112)),
        ((0.0, 0.0), (0.01, 0.01), (112, 64, 32)),
        ((0.0, 0.0), (0.9, 0.9), (112, 64, 160)),
    ],
)
def test_a_close_look_shows_the_figure_with_room_around_it(centre, spread, sees):
    window = window_at(torch.tensor([[*centre, *spread, 1.0]]), torch.Size((128, 224)))[0]
    corners = (window @ torch.tensor([[-1.0, 1.0], [-1.0, 1.0], [1.0, 1.0]]) + 1) / 2 * torch.tensor([[224.0], [128.0]])
    x, y, side = sees
    expected = torch.tensor([[x - side / 2, x + side / 2], [y - side / 2, y + side / 2]])
    torch.testing.assert_close(corners, expected)


def test_it_learns_what_it_is_shown():
    torch.manual_seed(0)
    samples = [draw_sample(random.Random(seed)) for seed in range(4)]
    batch = batch_of(samples, CPU)
    net = ProbeNet(TINY).train()
    optimizer = torch.optim.AdamW(net.parameters(), 1e-2)
    first = None
    for _ in range(40):
        losses = probe_loss(net, batch)
        first = first or {name: float(loss) for name, loss in losses.items()}
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    last = {name: float(loss) for name, loss in probe_loss(net, batch).items()}
    assert set(last) >= {"map", "kinds", "setting", *FIGURE_QUESTIONS} - {"pattern_colour"}
    for name in ("map", "kinds", "colour", "garment", "action", "setting", "weather"):
        assert last[name] < 0.6 * first[name], name


def test_in_the_end_only_the_close_look_learns(tmp_path):
    train_probe(replace(TOY, close_from=0.0, close_batch=5), tmp_path / "none", max_steps=0)
    before = torch.load(tmp_path / "none" / "probe.pt", weights_only=False)["net"]
    net = train_probe(replace(TOY, close_from=0.0, close_batch=5), tmp_path / "some", max_steps=2)
    assert net.near.training is False
    changed = {name.split(".")[0] for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"close", "kind", "height", "figure"}


def test_a_figure_that_was_looked_at_is_learned_from_more_than_once(tmp_path, monkeypatch):
    drawn = []

    def rendered(seed, workers):
        while True:
            drawn.append(draw_sample(random.Random(len(drawn) % 4)))
            yield drawn[-1]

    monkeypatch.setattr("filmagent.training.papercut.probe.train.rendered", rendered)
    closely = replace(TOY, close_from=0.0, close_batch=1, close_room=4, close_fresh=8, close_every=3)
    train_probe(closely, tmp_path, max_steps=7)
    assert len(drawn) == 3 * 8, "before the steps 0, 3 and 6"


def test_training_goes_on_where_it_stopped(tmp_path):
    train_probe(TOY, tmp_path, max_steps=1)
    one = torch.load(tmp_path / "probe.pt", weights_only=False)
    train_probe(TOY, tmp_path, max_steps=3)
    three = torch.load(tmp_path / "probe.pt", weights_only=False)
    assert (one["step"], three["step"]) == (1, 3) and three["spent"] > one["spent"]
    assert not torch.equal(one["net"]["kind.weight"], three["net"]["kind.weight"])
    nothing = train_probe(TOY, tmp_path, max_steps=3)
    assert torch.equal(nothing.state_dict()["kind.weight"], three["net"]["kind.weight"])


def test_training_begins_with_an_exported_probe(tmp_path):
    torch.manual_seed(7)
    net = ProbeNet(TINY)
    save_probe(net, tmp_path / "weights", {})
    begun = train_probe(replace(TOY, start_from=tmp_path / "weights"), tmp_path / "run", max_steps=0)
    assert torch.equal(begun.state_dict()["kind.weight"], net.half().float().state_dict()["kind.weight"])


def test_it_logs_into_a_folder_that_was_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr("filmagent.training.papercut.probe.train.LOG_EVERY", 1)
    train_probe(TOY, tmp_path / "new" / "folder", max_steps=2)
    lines = (tmp_path / "new" / "folder" / "probe.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]


def test_an_exported_probe_is_read_back_with_its_accuracy(tmp_path):
    torch.manual_seed(0)
    net = ProbeNet(TINY).eval()
    measured = export_probe(net, TOY, tmp_path, shots=2)
    probe = TrainedProbe(tmp_path)
    assert probe.accuracy == measured and set(measured) >= {"kinds", "place", "layout", "size"}
    assert len(probe.revision) == 16
    assert "held-out" in (tmp_path / "README.md").read_text()
    frames = np.concatenate([sample_of(BOTH, start).pair[None, ..., :3] for start in range(4)])
    read = probe.read(frames, ("cat", "robot"))
    assert {"cat", "robot"} <= set(read.figures) and probe.read(frames, ("cat", "robot")) == read
    assert measure_probe(load_probe(tmp_path)[0], 2) == measured


@pytest.mark.parametrize("length", [1, 4, 9, 12, 16, 17])
def test_a_shot_of_any_length_is_looked_at_from_end_to_end(length):
    frames = np.arange(length, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    values = ((pairs_of(frames)[:, :, 0, 0] + 0.5) * 255).round()
    assert values.min() == 0 and values.max() == length - 1
    assert (values[:, 3] - values[:, 0] == min(8, length - 1)).all()


def test_frames_of_another_size_are_refused(tmp_path):
    save_probe(ProbeNet(TINY), tmp_path, {})
    with pytest.raises(ScoringError, match="224x128"):
        TrainedProbe(tmp_path).read(np.zeros((3, 96, 160, 3), np.uint8))


@pytest.mark.parametrize("name", ["probe.json", "probe.safetensors"])
def test_missing_and_broken_files_are_named(tmp_path, name):
    save_probe(ProbeNet(TINY), tmp_path, {})
    (tmp_path / name).write_bytes(b"half")
    with pytest.raises(ModelFilesError, match="filmagent train papercut probe"):
        load_probe(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelFilesError, match="no probe in"):
        load_probe(tmp_path)


def test_the_probe_of_the_package_reads_as_well_as_it_says():
    probe = TrainedProbe()
    measured = measure_probe(load_probe(probe_folder())[0], 24)
    assert set(measured) == set(probe.accuracy)
    for question, share in probe.accuracy.items():
        assert measured[question] > share - 0.3, question
