"""A folder of films becomes a folder of sequences, with a server that really looks at the pictures it is sent."""

from __future__ import annotations

import re
import shutil
import threading
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from filmagent.agents.openai_llm import OpenAILLM
from filmagent.errors import LLMAnswerError, LLMRequestError, LLMUnavailableError, RunBusyError, UsageError
from filmagent.training.curate.curator import curate
from filmagent.training.curate.folder import film_records, working_in
from filmagent.training.curate.settings import CurateSettings
from filmagent.training.sequences.reader import open_sequences
from tests.support.fake_llm_server import completion, failure
from tests.training.curate.drawn_film import Stretch, write_film
from tests.training.curate.seeing_server import ANSWERS, RED, YELLOW, find, seeing_server

SETTINGS = CurateSettings(shortest=1, longest=2.5, model="eyes")
QUESTIONS = {"ColourSeen": 1, "TextSeen": 2, "StorySeen": 1, "ShotSeen": 5, "TargetSeen": 4}
"""What the drawn film costs."""


def llm_at(server, key="right-key", **options):
    return OpenAILLM("eyes", base_url=server.url, key=key, attempts=2, sleep=lambda seconds: None, **options)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    write_film(folder / "squares.mp4")
    return folder


@pytest.fixture(scope="module")
def half_done(films, tmp_path_factory):
    """A curation that stopped when all clips were cut and the first captions were to be written."""
    out = tmp_path_factory.mktemp("half") / "out"
    with seeing_server() as server:
        server.instead["StorySeen"] = lambda text, pictures: failure(500, "overloaded")
        with pytest.raises(LLMUnavailableError):
            curate(films, out, SETTINGS, llm_at(server))
    return out


@pytest.fixture
def begun(half_done, tmp_path):
    return Path(shutil.copytree(half_done, tmp_path / "out"))


@pytest.fixture(scope="module")
def curated(films, tmp_path_factory):
    out = tmp_path_factory.mktemp("curated") / "out"
    with seeing_server() as server:
        done = curate(films, out, SETTINGS, llm_at(server))
        return out, done, dict(server.asked)


def test_shots_become_one_sequence(curated):
    out, done, asked = curated
    assert asked == QUESTIONS
    assert (done.films, done.skipped, done.sequences, done.clips) == (1, {}, 1, 5)
    record = open_sequences(out, hashes=True)[0].record
    assert [clip.cut for clip in record.sequence_clips] == [True, True, True, True, False]
    assert [clip.subjects for clip in record.sequence_clips] == [(RED,), (RED, YELLOW), (RED,), (RED, YELLOW),
                                                                 (RED, YELLOW)]
    assert record.sequence_clips[0].caption == (
        "global caption: [Object A]: a red square of card; "
        "shot caption: [Object A] glides over the ground in a wide shot.")
    assert sorted(path.name for path in (out / "clips").rglob("*.mp4")) == [
        f"000{number}.mp4" for number in (1, 2, 3, 5, 6)], "the clip with subtitles is still there"


def test_every_drop_has_its_reason(curated):
    out, _, _ = curated
    (film,) = film_records(out)
    assert [(round(drop.start, 1), round(drop.end, 1), drop.kind) for drop in film.drops] == [
        (4.0, 5.0, "black"), (7.0, 9.0, "static"), (9.1, 10.9, "text")]
    assert film.drops[2].reason == "text over the picture: a white bar"


def test_boxes_lie_on_the_subjects_and_targets_show_them_large(curated):
    out, _, _ = curated
    sequence = open_sequences(out)[0]
    for clip in sequence.clips:
        frames = clip.frames()
        for seen in clip.record.sightings:
            truth = find(frames[seen.frame_in_clip_16fps], seen.subject)
            said = (seen.box.left, seen.box.top, seen.box.right, seen.box.bottom)
            assert np.abs(np.array(said) * 1000 - truth).max() < 25
    targets = [(target.record.subject, target.record.clip_index) for target in sequence.targets]
    assert Counter(subject for subject, _ in targets) == {RED: 2, YELLOW: 2}
    assert targets[0] == (RED, 1), "the red square is largest in the second shot"
    assert {index for subject, index in targets if subject == YELLOW} == {3, 4}, "targets lie in different shots"


def test_the_report_shows_everything(curated):
    out, done, _ = curated
    page = done.report.read_text(encoding="utf-8")
    pictures = re.findall(r'src="([^"]+)"', page)
    assert len(pictures) == 5 * 4 + 4
    assert all((out / unquote(name)).is_file() for name in pictures)
    for words in ("squares.mp4", "nothing moves", "black picture", "text over the picture: a white bar", "[Object B]",
                  "goes on", "[Object A] glides over the ground"):
        assert words in page


def test_a_second_call_asks_nothing(films, curated):
    out, before, _ = curated
    with seeing_server() as server:
        again = curate(films, out, SETTINGS, llm_at(server, key="another-key"))
        assert not server.asked
    assert (again.questions, again.sequences, again.clips) == (0, before.sequences, before.clips)


def test_bad_films_and_twins_are_skipped_with_a_reason(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    good = write_film(folder / "b-good.mp4", (Stretch(2, (70, 90, 120), red=20), Stretch(2, (40, 120, 60), red=30)))
    (folder / "a-broken.mkv").write_bytes(b"nothing")
    (folder / "c-twin.mp4").write_bytes(good.read_bytes())
    (folder / "d-cut-off.mp4").write_bytes(good.read_bytes()[:2000])
    notes = []
    with seeing_server() as server:
        done = curate(folder, tmp_path / "out", SETTINGS, llm_at(server),
                      on_event=lambda event: notes.append(event.get("text", "")))
    assert (done.films, done.sequences) == (3, 1)
    assert set(done.skipped) == {"a-broken.mkv", "d-cut-off.mp4"}
    assert "holds no video" in done.skipped["a-broken.mkv"]
    assert "c-twin.mp4: the same film as b-good.mp4" in notes
    assert "holds no video" in done.report.read_text()


def test_a_wrong_key_is_one_clear_error_before_any_work(films, tmp_path):
    with seeing_server() as server, pytest.raises(LLMRequestError, match="set FILMAGENT_LLM_KEY") as caught:
        curate(films, tmp_path / "out", SETTINGS, llm_at(server, key="wrong-key"))
    assert "wrong-key" not in str(caught.value)
    assert not list((tmp_path / "out").rglob("*.mp4"))
    assert not (tmp_path / "out" / "curation.json").exists(), "another model may be named after all"


def test_a_model_without_eyes_is_refused(films, tmp_path):
    with seeing_server() as server:
        server.instead["ColourSeen"] = lambda text, pictures: {"colour": "blue"}
        with pytest.raises(LLMAnswerError, match="does not see pictures"):
            curate(films, tmp_path / "out", SETTINGS, llm_at(server))


def test_a_server_that_fails_later_stops_the_work_and_nothing_is_paid_twice(films, begun):
    with seeing_server() as server:
        server.instead["ShotSeen"] = lambda text, pictures: failure(500, "overloaded")
        with pytest.raises(LLMUnavailableError, match="overloaded"):
            curate(films, begun, SETTINGS, llm_at(server), workers=1)
        assert server.asked["ShotSeen"] == 2, "one question, sent twice"
        server.instead.clear()
        server.asked.clear()
        done = curate(films, begun, SETTINGS, llm_at(server))
    assert done.sequences == 1
    assert server.asked == {"ShotSeen": 5, "TargetSeen": 4}


def test_a_rejected_question_only_costs_its_shot(films, begun):
    with seeing_server() as server:
        server.instead["ShotSeen"] = lambda text, pictures: (
            failure(400, "this picture is not allowed") if "This is shot 3 of" in text else None)
        done = curate(films, begun, SETTINGS, llm_at(server))
    assert done.clips == 4
    (film,) = film_records(begun)
    assert "this picture is not allowed" in next(drop.reason for drop in film.drops if drop.kind == "caption")


def test_a_key_that_is_taken_away_stops_the_work(films, begun):
    with seeing_server() as server:
        def taken_away(text, pictures):
            server.key = "new-key"
            return failure(401, "revoked")

        server.instead["ShotSeen"] = taken_away
        with pytest.raises(LLMRequestError, match="set FILMAGENT_LLM_KEY"):
            curate(films, begun, SETTINGS, llm_at(server), workers=1)
    assert not film_records(begun)


def test_bad_answers_are_sent_back_with_reasons(films, begun):
    wrong = threading.Event()
    asked = []

    def pronoun_first(text, pictures):
        asked.append(text)
        if not wrong.is_set():
            wrong.set()
            said = ANSWERS["ShotSeen"](text, pictures)
            return {**said, "caption": "It glides over the ground with [Person Q]."}
        return None

    with seeing_server() as server:
        server.instead["ShotSeen"] = pronoun_first
        curate(films, begun, SETTINGS, llm_at(server), workers=1)
        assert server.asked["ShotSeen"] == 6
    record = open_sequences(begun)[0].record
    assert all("It glides" not in clip.caption for clip in record.sequence_clips)


def test_a_shot_that_gets_no_good_caption_is_left_out(films, begun):
    with seeing_server() as server:
        server.instead["ShotSeen"] = lambda text, pictures: (
            {"boxes": [], "caption": "She sleeps."} if "This is shot 1 of" in text else None)
        done = curate(films, begun, SETTINGS, llm_at(server))
        assert server.asked["ShotSeen"] == 4 + 3
    assert done.clips == 4
    (film,) = film_records(begun)
    assert "'She' is a third-person pronoun" in next(d.reason for d in film.drops if d.kind == "caption")


def test_a_box_that_shows_somebody_else_becomes_no_target(films, begun):
    with seeing_server() as server:
        server.instead["TargetSeen"] = lambda text, pictures: (
            {"is_this_subject": False, "caption": "nobody"} if YELLOW in text.split("Describe")[1] else None)
        curate(films, begun, SETTINGS, llm_at(server))
        assert server.asked["TargetSeen"] == 2 + 4, "two reds are right at once; four yellows are looked at in vain"
    assert {target.record.subject for target in open_sequences(begun)[0].targets} == {RED}


def test_a_sequence_in_which_nothing_recurs_is_dropped(films, begun):
    with seeing_server() as server:
        server.instead["StorySeen"] = lambda text, pictures: {"subjects": [], "story": "Nothing recurs."}
        done = curate(films, begun, SETTINGS, llm_at(server))
    assert (done.sequences, done.clips) == (0, 0)
    (film,) = film_records(begun)
    assert {drop.reason for drop in film.drops if drop.kind == "subjects"} == {"no subject recurs in this sequence"}


def test_a_refusal_is_no_caption(films, begun):
    with seeing_server() as server:
        server.instead["StorySeen"] = lambda text, pictures: completion(None, refusal="I would rather not")
        done = curate(films, begun, SETTINGS, llm_at(server))
    assert done.sequences == 0
    assert "I would rather not" in done.report.read_text()


@pytest.mark.parametrize(("change", "message"), [
    ({"shots": 5}, "was begun with --shots 10, not 5"), ({"model": "blind"}, "was begun with --llm eyes, not blind"),
])
def test_other_settings_are_refused(films, curated, change, message):
    with seeing_server() as server, pytest.raises(UsageError, match=message):
        curate(films, curated[0], SETTINGS.model_copy(update=change), llm_at(server))


def test_folders_that_cannot_be_used_are_refused(films, tmp_path):
    with seeing_server() as server:
        llm = llm_at(server)
        with pytest.raises(UsageError, match="is no folder"):
            curate(tmp_path / "nowhere", tmp_path / "out", SETTINGS, llm)
        with pytest.raises(UsageError, match="lies in FILMS"):
            curate(films, films / "out", SETTINGS, llm)
        (tmp_path / "empty").mkdir()
        with pytest.raises(UsageError, match="holds no films"):
            curate(tmp_path / "empty", tmp_path / "out", SETTINGS, llm)
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "letter.txt").write_text("dear")
        with pytest.raises(UsageError, match="no curation"):
            curate(films, tmp_path / "full", SETTINGS, llm)
        with working_in(tmp_path / "busy", SETTINGS), pytest.raises(RunBusyError):
            curate(films, tmp_path / "busy", SETTINGS, llm)
        assert not server.asked


