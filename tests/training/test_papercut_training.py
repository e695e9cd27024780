"""Training at toy size with the real classes: it can be interrupted, and what it leaves the stock classes load."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.port import FrameSize
from filmagent.generation.wan.config import PictureFilming
from filmagent.generation.wan.denoising.picture_by_picture import PictureConditionEncoder
from filmagent.generation.wan.library import AutoencoderKLWan, WanImageToVideoPipeline
from filmagent.training.papercut.captions import describe
from filmagent.training.papercut.cli import main
from filmagent.training.papercut.denoiser import Mixture, build_denoiser, losses, make_batch, make_step_batch
from filmagent.training.papercut.drawn import ON_TWOS, StoryShape, draw_story
from filmagent.training.papercut.excerpts import AT_ONCE, LOOKS_BACK, Wanted
from filmagent.training.papercut.export import export_denoiser, export_vae, held_out_shots, measure_vae
from filmagent.training.papercut.latent_reader import READER, ReaderTraining
from filmagent.training.papercut.latents import UNKNOWN_SHOWS, StoryCache, encode_story, unknown_condition
from filmagent.training.papercut.machine import autocast
from filmagent.training.papercut.muon import Muon
from filmagent.training.papercut.some_tokens import KeptTokens
from filmagent.training.papercut.text import MAX_WORDS, build_tokenizer, encode_text
from filmagent.training.papercut.trainer import FILM_ON, DenoiserTraining, Material, Models, train_denoiser
from filmagent.training.papercut.vae import pixels
from filmagent.training.papercut.warm_start import widened
from filmagent.training.papercut.world import FRAMES, HEIGHT, WIDTH, Figure, begins_as_at_a_cut, render_shot

torch.set_num_threads(1)  # two threads on shared cores wait for each other longer than they work
TOY = DenoiserTraining(
    width=48,
    layers=1,
    text_width=32,
    inner_width=96,
    tokens_a_batch=672,
    kept=KeptTokens(memory=0.36, shot=0.5),
    first_still_stories=4,
    first_shot_stories=2,
    word_steps=2,
    words_until=0.2,
    stills_until=0.5,
    mixed_until=0.8,
)

CAT = Figure("cat", "orange", "scarf", "blue")


@pytest.fixture(scope="module")
def unknown(encoder):
    return unknown_condition(encoder)


def caches(folder, encoder):
    return StoryCache(folder, encoder, 1, StoryShape(3, 0)), StoryCache(folder, encoder, 2, StoryShape(1, 2))


def made_story(encoder, number, stills, shots):
    return encode_story(encoder, draw_story(0, number, StoryShape(stills, shots)))


def weights_of(run):
    return torch.cat([weight.detach().flatten() for weight in run.averaged.parameters()])


def test_interrupted_training_equals_uninterrupted(tmp_path, encoder, unknown):
    def trained(folder, *stops):
        for stop in stops:
            material = Material(*caches(folder / "data", encoder), unknown)
            run = train_denoiser(TOY, folder, material, max_steps=stop, share_of_step=lambda step: step / 8)
        return run

    whole, parts = trained(tmp_path / "whole", 6), trained(tmp_path / "parts", 3, 6)
    assert parts.step == whole.step == 6
    assert torch.equal(weights_of(whole), weights_of(parts))
    assert not torch.equal(weights_of(whole), weights_of(trained(tmp_path / "short", 3)))


def test_training_begins_with_exported_weights(tmp_path, encoder, unknown):
    first = Models(TOY, len(build_tokenizer()))
    export_denoiser(first, tmp_path / "weights")
    material = Material(*caches(tmp_path / "data", encoder), unknown)
    begun = train_denoiser(replace(TOY, start_from=tmp_path / "weights"), tmp_path / "run", material, max_steps=0)
    for name, weight in first.state_dict().items():
        if name.startswith(("heads", "words")):
            continue  # only training asks
        stored = weight.half().float()  # exported weights are kept in half precision
        assert torch.equal(begun.models.state_dict()[name], stored), name


def test_weights_with_narrower_mlps_grow_and_say_the_same(tmp_path):
    torch.manual_seed(1)
    narrow, wide = (build_denoiser(48, 1, 32, inner) for inner in (96, 144))
    torch.nn.init.normal_(narrow.proj_out.weight, std=0.1)
    grown = widened(narrow.state_dict(), wide.state_dict())
    wide.load_state_dict(grown)
    given = torch.randn(1, 36, 1, 4, 6), torch.tensor([500.0]), torch.randn(1, 7, 32)
    with torch.no_grad():
        assert torch.allclose(narrow(*given).sample, wide(*given).sample, atol=1e-5)
    wide(*given).sample.square().sum().backward()
    assert wide.blocks[0].ffn.net[2].weight.grad[:, 96:].any(), "what is new can learn"


@pytest.mark.parametrize("other", [(48, 1, 32, 64), (96, 1, 32, 144), (48, 2, 32, 144)])
def test_weights_of_another_network_do_not_grow(other):
    with pytest.raises(UsageError, match=r"of another network, at .*; give its own sizes"):
        widened(build_denoiser(48, 1, 32, 96).state_dict(), build_denoiser(*other).state_dict())


def test_weights_that_know_pictures_learn_movement_from_the_first_steps(tmp_path, encoder, unknown):
    few = {"first_still_stories": 4, "first_shot_stories": 2, "still_stories_a_step": 0.0, "shot_stories_a_step": 0.0}
    material = Material(*caches(tmp_path / "data", encoder), unknown)
    settings = replace(TOY, **{**FILM_ON, **few}, reader=ReaderTraining(steps=2, batch=2))
    run = train_denoiser(settings, tmp_path, material, max_steps=20, share_of_step=lambda step: 0.0)
    assert run.batches["shots"] > 1 and run.batches["stills"] > 1
    assert run.losses["stills, looks"] > 0 and (tmp_path / READER).is_file(), "a reader looks at what is foreseen"


def test_a_shots_latents_are_its_pictures_on_twos_each_encoded_alone(encoder):
    shot = made_story(encoder, 0, 0, 1).shots[0]
    frames = render_shot(shot.script).frames
    assert shot.latents.shape[1] == 9 and np.array_equal(frames[1::2], frames[2::2])
    for number in (0, 8):
        alone = encoder(pixels(frames[None, 2 * number, None]))[0, :, 0]
        assert torch.allclose(shot.latents[:, number].float(), alone, atol=2e-2)


def test_films_are_shown_what_training_showed(encoder, unknown):
    filming = PictureFilming(LOOKS_BACK, AT_ONCE, ON_TWOS)
    conditions, size = PictureConditionEncoder(encoder.vae, UNKNOWN_SHOWS, filming), FrameSize(WIDTH, HEIGHT)
    shot = made_story(encoder, 0, stills=0, shots=1).shots[0]
    with autocast(torch.device("cpu")):
        for seam, known in ((1, 1), (5, 3)):
            filmed = conditions.condition([], render_shot(shot.script, seam).frames, FRAMES, size).latents[0, 4:]
            learned = shot.latents[:, [0, *range(known)]].float()  # the first stays in memory
            assert torch.allclose(filmed[:, : 1 + known], learned, atol=2e-2)
        cut = conditions.condition([], None, 1, size).latents[0, 4:]
    assert torch.allclose(cut, unknown, atol=1e-5)


def test_only_what_words_can_say_is_asked_for(encoder):
    stands: dict[tuple[object, ...], set[tuple[object, ...]]] = {}
    asked = could = 0
    for number in range(40):
        drawn = draw_story(0, number, StoryShape(6, 2))
        for clip in drawn.stills:
            begins = bool((clip.frames[0] == render_shot(clip.script, 1).frames[0]).all())
            asked, could = asked + clip.foreseeable, could + (begins and begins_as_at_a_cut(clip.script))
            if not clip.foreseeable:
                continue
            assert begins and begins_as_at_a_cut(clip.script)
            described = describe(clip.script)
            words = tuple((role.action, role.direction) for role in described.roles)
            there = tuple((part.x, part.facing, part.phase) for part in clip.script.performances)
            stands.setdefault(words, set()).add(there)
        assert all(clip.foreseeable for clip in drawn.shots), "a cut begins where its words say, a join where frames do"
    assert could >= asked > 0.9 * could, "all but later frames in which nothing has moved yet"
    assert len(stands) > 20
    assert all(len(each) == 1 for each in stands.values()), "the same words, and somebody stands elsewhere"


def test_a_cache_is_made_again_unchanged(tmp_path, encoder, monkeypatch):
    monkeypatch.setattr(StoryCache, "SHARD", 2)
    first, _ = caches(tmp_path, encoder)
    first.grow(2)
    again, _ = caches(tmp_path, encoder)
    drawn = []

    def watched(seed, number, shape):
        drawn.append(number)
        return draw_story(seed, number, shape)

    monkeypatch.setattr("filmagent.training.papercut.latents.draw_story", watched)
    again.grow(2)
    assert drawn == [0], "one is drawn again, to see whether the others still are what they would be"
    assert torch.equal(first.stories[1].stills[2].latents, again.stories[1].stills[2].latents)


def test_stories_that_another_vae_encoded_are_not_taken(tmp_path, encoder, monkeypatch):
    monkeypatch.setattr(StoryCache, "SHARD", 1)
    for cache in caches(tmp_path, encoder):
        cache.grow(1)
        for again in caches(tmp_path, encoder):
            again.grow(1)
        other = replace(encoder, mean=encoder.mean + 0.5)
        with pytest.raises(UsageError, match="delete the folder"):
            StoryCache(tmp_path, other, cache.seed, cache.shape).grow(1)


def test_a_batch_of_pictures_is_laid_out_as_it_will_be_sampled(tmp_path, encoder, unknown):
    cache, _ = caches(tmp_path, encoder)
    cache.grow(3)
    batch = make_batch(random.Random(1), cache.stories, 4704, 2, unknown, Mixture(), KeptTokens())
    assert batch.clean.shape[2] == 2 + 1
    assert (batch.mask[:, :, :2] == 1).all() and not batch.mask[:, :, 2:].any()
    assert torch.equal(batch.clean[:, :, :2], batch.condition[:, :, :2]), "memory is clean in the condition"
    assert all(torch.equal(condition[:, 2:], unknown[:, :1]) for condition in batch.condition), "a cut is told nothing"


@pytest.mark.parametrize("wanted", [Wanted(1, swept=False), Wanted(3, swept=True)])
def test_a_batch_of_steps_shows_what_is_known_and_a_guess(tmp_path, encoder, wanted):
    _, cache = caches(tmp_path, encoder)
    cache.grow(8)
    batch = make_step_batch(random.Random(1), cache.stories, 4704, wanted, Mixture(), KeptTokens())
    assert batch.memory == 1 and batch.clean.shape[2] == 1 + wanted.known + AT_ONCE
    assert (batch.mask[:, :, :-AT_ONCE] == 1).all() and not batch.mask[:, :, -AT_ONCE:].any()
    assert batch.known.tolist() == [wanted.known] * len(batch.clean)
    off = (batch.clean - batch.condition)[:, :, :-AT_ONCE].pow(2).mean()
    assert off < 0.1, "what is known is shown, a little rough"
    assert not batch.weight[:, :, :-AT_ONCE].any() and (batch.weight[:, :, -AT_ONCE:] >= 1).all()
    assert batch.truth.shape[2] == batch.body.shape[2] == batch.clean.shape[2] * HEIGHT * WIDTH // 256


def test_memory_shows_somebody_of_the_picture_if_it_can(tmp_path, encoder, unknown):
    cache, _ = caches(tmp_path, encoder)
    cache.grow(6)
    batch = make_batch(random.Random(1), cache.stories, 9000, 1, unknown, Mixture(), KeptTokens())
    figures = batch.truth[:, 0].unflatten(1, (2, -1))
    possible = 0
    for shown, clean, there in zip(figures[:, 1], batch.clean, figures[:, 0], strict=True):
        story = next(each for each in cache.stories if any(torch.equal(clean[:, 1:], c.latents) for c in each.stills))
        target = next(clip for clip in story.stills if torch.equal(clean[:, 1:], clip.latents.float()))
        asked = set(target.who.unique().tolist()) - {-1}
        if any(asked & set(frame.who.unique().tolist()) for frame in story.keyframes(without=target)):
            possible += 1
            assert set(shown[shown > 0].tolist()) & set(there[there > 0].tolist())
    assert possible > 3


def test_memory_of_two_shows_the_place_as_well_if_it_can(tmp_path, encoder, unknown):
    cache, _ = caches(tmp_path, encoder)
    cache.grow(6)
    batch = make_batch(random.Random(1), cache.stories, 9000, 2, unknown, Mixture(), KeptTokens())
    stills = [(story, clip) for story in cache.stories for clip in story.stills]

    def still(latents):
        return next(each for each in stills if torch.equal(latents, each[1].latents.float()))

    possible = 0
    for clean in batch.clean:
        story, target = still(clean[:, 2:])
        settings = {still(clean[:, index : index + 1])[1].script.setting for index in (0, 1)}
        of_the_place = [clip for clip in story.stills if clip.script.setting == target.script.setting]
        if len(of_the_place) > 2:  # one of them may be the only one to show somebody
            possible += 1
            assert target.script.setting in settings
    assert possible > 3


def test_pictures_with_more_figures_are_asked_for_more_often(tmp_path, encoder, unknown):
    cache, _ = caches(tmp_path, encoder)
    cache.grow(6)
    crowds = replace(Mixture(), figures_weight=(0.0, 0.0, 1.0, 1.0), text_dropped=0.0)
    batch = make_batch(random.Random(1), cache.stories, 4704, 0, unknown, crowds, KeptTokens())
    assert all(max(each.roles) >= 1 for each in batch.said)


def test_the_loss_looks_at_the_shot_alone(tmp_path, encoder, unknown):
    cache, _ = caches(tmp_path, encoder)
    cache.grow(2)
    some = KeptTokens(memory=0.36, shot=0.5)
    batch = make_batch(random.Random(1), cache.stories, 448, 1, unknown, Mixture(), some)
    assert not batch.weight[:, :, :1].any()
    models = Models(TOY, len(build_tokenizer()))
    text = encode_text(build_tokenizer(), models.encoder, [each.sentence for each in batch.said])
    models.heads.listen_to(models.denoiser.blocks[0])
    found = losses(models.denoiser, models.heads, None, text, batch, Mixture())
    (found.flow + found.truth).backward()
    assert found.flow.isfinite()
    assert found.truth.isfinite()
    assert models.heads.ask.weight.grad.abs().sum() > 0
    assert models.encoder.shared.weight.grad.abs().sum() > 0, "the words learn with the pictures"


@pytest.mark.parametrize("words", [40, MAX_WORDS])
def test_sentences_leave_room_for_a_zero(tmp_path, encoder, unknown, words):
    cache, _ = caches(tmp_path, encoder)
    cache.grow(3)
    batch = make_batch(random.Random(1), cache.stories, 4000, 0, unknown, Mixture(), KeptTokens(0.2, 0.2, words))
    lengths = [len(build_tokenizer()(sentence).input_ids) for sentence in (each.sentence for each in batch.said)]
    assert max(lengths) < words
    assert min(lengths) == 1, "some are told nothing"


def test_a_denoiser_without_a_vae_is_told_how_to_get_one(tmp_path):
    with pytest.raises(ModelFilesError, match="holds no VAE: train one with `filmagent train papercut vae`"):
        main(["dit", "--data", str(tmp_path)])


def test_a_word_that_old_weights_lack_starts_fresh(tmp_path, encoder, unknown):
    first = Models(TOY, len(build_tokenizer()))
    export_denoiser(first, tmp_path / "weights")
    path = tmp_path / "weights" / "tokenizer" / "tokenizer.json"
    known = build_tokenizer().get_vocab()
    path.write_text(path.read_text(encoding="utf-8").replace('"frog":', '"toad":'), encoding="utf-8")
    material = Material(*caches(tmp_path / "data", encoder), unknown)
    settings = replace(TOY, start_from=tmp_path / "weights", word_steps=0)
    begun = train_denoiser(settings, tmp_path / "run", material, max_steps=0)
    words, before = begun.models.encoder.shared.weight, first.encoder.shared.weight.half().float()
    assert torch.equal(words[known["cat"]], before[known["cat"]])
    assert not torch.equal(words[known["frog"]], before[known["frog"]])


def test_what_is_exported_the_stock_pipeline_films_with(tmp_path, encoder):
    models = Models(TOY, len(build_tokenizer()))
    export_denoiser(models, tmp_path)
    measure, _ = measure_vae(encoder.vae, held_out_shots(1))
    export_vae(encoder.vae, measure, tmp_path / "vae")
    pipeline = WanImageToVideoPipeline.from_pretrained(tmp_path, torch_dtype=torch.float32)
    assert isinstance(pipeline.vae, AutoencoderKLWan)
    assert np.allclose(pipeline.vae.config.latents_std, measure.std)
    sentence = "wide shot of the forest at day where the cat sits"
    asked, empty = pipeline.encode_prompt(sentence, max_sequence_length=MAX_WORDS)
    own = encode_text(build_tokenizer(), pipeline.text_encoder, [sentence, ""])
    assert torch.allclose(torch.cat([asked, empty]), own, atol=1e-6)
    grey_picture = np.full((HEIGHT, WIDTH, 3), 127, dtype=np.uint8)
    from PIL import Image

    frames = pipeline(
        image=Image.fromarray(grey_picture),
        prompt=sentence,
        height=HEIGHT,
        width=WIDTH,
        num_frames=17,
        num_inference_steps=1,
        max_sequence_length=MAX_WORDS,
        output_type="np",
    ).frames
    assert frames.shape == (1, 17, HEIGHT, WIDTH, 3)


def test_muon_lowers_a_plain_error():
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(12, 16))
    target = torch.randn(12, 16)
    optimizer = Muon([weight], lr=0.2, decay=0.0)
    errors = []
    for _ in range(40):
        optimizer.zero_grad()
        error = (weight - target).pow(2).mean()
        error.backward()
        optimizer.step()
        errors.append(float(error.detach()))
    assert errors[-1] < errors[0] / 4
