"""The reader of latents learns to tell pictures apart, and its finding teaches a denoiser what squares hardly mind."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from filmagent.training.papercut.denoiser import Mixture, look, losses, make_batch, make_step_batch
from filmagent.training.papercut.drawn import StoryShape, draw_story
from filmagent.training.papercut.excerpts import choose_wanted
from filmagent.training.papercut.latent_reader import READER, LatentReader, ReaderTraining, open_reader
from filmagent.training.papercut.latents import encode_story, unknown_condition
from filmagent.training.papercut.some_tokens import KeptTokens, tokens_of, video_of
from filmagent.training.papercut.text import MAX_WORDS, build_tokenizer, encode_text
from filmagent.training.papercut.trainer import DenoiserTraining, Models, listen
from filmagent.training.papercut.truth import QUESTIONS

torch.set_num_threads(1)

SHORT = ReaderTraining(steps=40, batch=8)
EVERYWHERE = Mixture(looks_weight=1.0, looks_below=1.01)


@pytest.fixture(scope="module")
def stories(encoder):
    return [encode_story(encoder, draw_story(5, number, StoryShape(3, 1))) for number in range(2)]


@pytest.fixture(scope="module")
def reader(stories, tmp_path_factory):
    return open_reader(SHORT, tmp_path_factory.mktemp("reader"), *pictures(stories))


def pictures(stories):
    return [clip for story in stories for clip in story.stills], [clip for story in stories for clip in story.shots]


def a_batch(stories, encoder, kept, moving=False):
    if moving:
        wanted = choose_wanted(random.Random(1), stories, 0.5, 0.5)
        return make_step_batch(random.Random(1), stories, 400, wanted, EVERYWHERE, kept)
    return make_batch(random.Random(1), stories, 400, 1, unknown_condition(encoder), EVERYWHERE, kept)


def test_chosen_tokens_go_back_to_where_they_were():
    video = torch.randn(2, 16, 3, 4, 6)
    every = torch.arange(18)[None].expand(2, -1)
    assert torch.equal(video_of(tokens_of(video, every), every, video), video)
    some = torch.tensor([[0, 7, 17], [1, 2, 3]])
    back = video_of(tokens_of(video, some), some, video)
    assert torch.equal(tokens_of(back, some), tokens_of(video, some))
    assert int((back != 0).sum()) == some.numel() * 16 * 4


def test_a_taught_reader_is_kept_and_learns_no_more(stories, tmp_path):
    torch.manual_seed(1)
    first = open_reader(SHORT, tmp_path, *pictures(stories))
    kept = (tmp_path / READER).stat().st_mtime_ns
    again = open_reader(replace(SHORT, steps=10**6), tmp_path, [], [])
    assert (tmp_path / READER).stat().st_mtime_ns == kept
    assert all(torch.equal(weight, again.state_dict()[name]) for name, weight in first.state_dict().items())
    assert not any(weight.requires_grad for weight in again.parameters())


def test_it_is_taught_alike_whatever_chance_went_before_and_leaves_chance_alone(stories, tmp_path):
    taught = []
    for number in range(2):
        torch.manual_seed(number)
        taught.append(open_reader(replace(SHORT, steps=2), tmp_path / str(number), *pictures(stories)).state_dict())
        after = torch.rand(1)
        torch.manual_seed(number)
        assert torch.equal(after, torch.rand(1))
    assert all(torch.equal(weight, taught[1][name]) for name, weight in taught[0].items())


def test_teaching_makes_it_know_what_it_was_taught_with(stories, reader):
    clip = stories[0].stills[0]
    torch.manual_seed(2)
    untaught = LatentReader().eval()
    latents = clip.latents[:, :1].transpose(0, 1).float()
    place = list(QUESTIONS["place"]).index(clip.script.setting.place)
    sure = [each.answers(latents)["place"].softmax(1)[:, place].mean() for each in (untaught, reader)]
    assert sure[1] > sure[0] + 0.05


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("kept", [KeptTokens(), KeptTokens(memory=0.4, shot=0.5)])
def test_only_what_was_foreseen_wrongly_looks_unlike(stories, encoder, reader, kept, moving):
    batch = a_batch(stories, encoder, kept, moving)
    level = torch.full((len(batch.known),), 0.5)
    right = torch.zeros_like(batch.clean)
    assert float(look(reader, batch, right, level, EVERYWHERE)) == pytest.approx(0, abs=1e-4)
    known_wrong = right.clone()
    known_wrong[:, :, : batch.memory + int(batch.known[0])] = 1
    assert float(look(reader, batch, known_wrong, level, EVERYWHERE)) == pytest.approx(0, abs=1e-4)
    asked_wrong = torch.randn_like(right) - known_wrong
    assert float(look(reader, batch, asked_wrong, level, EVERYWHERE)) > 0.01


def test_where_noise_leaves_nothing_to_see_nobody_looks(stories, encoder, reader):
    batch = a_batch(stories, encoder, KeptTokens())
    off = torch.randn_like(batch.clean).requires_grad_()
    level = torch.full((len(batch.known),), 0.95)
    found = look(reader, batch, off, level, replace(EVERYWHERE, looks_below=0.9))
    found.backward()
    assert float(found.detach()) == 0
    assert not off.grad.any()


def test_the_denoiser_is_taught_by_looks_and_the_reader_is_not(stories, encoder, reader):
    settings = DenoiserTraining(width=48, layers=1, text_width=32, inner_width=96)
    torch.manual_seed(3)
    models = Models(settings, len(build_tokenizer()))
    listen(models)
    torch.nn.init.normal_(models.denoiser.proj_out.weight, std=0.1)
    batch = a_batch(stories, encoder, KeptTokens())
    text = encode_text(build_tokenizer(), models.encoder, [each.sentence for each in batch.said], MAX_WORDS)
    found = losses(models.denoiser, models.heads, reader, text, batch, EVERYWHERE)
    found.looks.backward()
    assert float(found.looks.detach()) > 0
    assert models.denoiser.proj_out.weight.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in reader.parameters())
    assert float(losses(models.denoiser, models.heads, None, text, batch, EVERYWHERE).looks.detach()) == 0
