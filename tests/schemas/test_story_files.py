"""Story files: what is read is filmed exactly, and what cannot be read says where and why."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.errors import UsageError
from filmagent.schemas.story import Link, Scene, Shot, Story, Subject
from filmagent.schemas.story_files import (
    CUT_FALSE_REASON,
    LARGEST_FILE,
    read_story_file,
    story_from_data,
    storymem_script,
    write_story_file,
    write_storymem_file,
)

PROMPTS = [
    [
        "Wide shot of a harbour. A tall captain in a red coat walks along the quay. The captain whistles.",
        "He stops and looks at the sea. Slow push-in.",
    ],
    [
        "Close-up of the captain, who smiles. The captain's hat shines. Nadia, a woman in a grey cloak, waits.",
        "The captain waves while Nadia laughs. Medium tracking shot.",
    ],
]


def script(**changes):
    scenes = [
        {"scene_num": 1, "video_prompts": PROMPTS[0], "cut": [True, False], "first_frame_prompt": ["a", "b"]},
        {"scene_num": 2, "video_prompts": PROMPTS[1], "cut": ["True", "False"]},
    ]
    return {"story_name": "The Captain", "story_overview": "A captain waits.", "scenes": scenes} | changes


def written(tmp_path, data, name="story.json"):
    path = tmp_path / name
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def refusal(path) -> str:
    with pytest.raises(UsageError) as caught:
        read_story_file(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_script_is_respected_word_for_word(tmp_path):
    story = read_story_file(written(tmp_path, script()))
    assert (story.title, story.overview) == ("The Captain", "A captain waits.")
    assert [shot.caption for shot in story.shots] == PROMPTS[0] + PROMPTS[1]
    assert [shot.scene for shot in story.shots] == [1, 1, 2, 2]
    assert [shot.link.kind for shot in story.shots] == ["scene_cut", "MI2V", "scene_cut", "MI2V"]
    assert story.shots[1].link.reason == CUT_FALSE_REASON
    assert [shot.id for shot in story.shots] == ["shot-01", "shot-02", "shot-03", "shot-04"]
    assert [shot.shot_size for shot in story.shots] == ["wide", "medium", "close", "medium"]
    assert [shot.camera for shot in story.shots] == ["still", "push_in", "still", "pan"]


def test_subjects_are_found_conservatively(tmp_path):
    story = read_story_file(written(tmp_path, script()))
    assert [(subject.id, subject.name, subject.kind) for subject in story.subjects] == [
        ("captain", "the captain", "person"),
        ("nadia", "Nadia", "person"),
    ]
    assert story.subject("captain").appearance.startswith("a tall captain in a red coat")
    assert story.subject("nadia").appearance == "a woman in a grey cloak"
    assert [shot.subjects for shot in story.shots] == [
        ("captain",),
        ("captain",),
        ("captain", "nadia"),
        ("captain", "nadia"),
    ]


def test_words_for_cuts_and_a_byte_order_mark_are_read(tmp_path):
    path = tmp_path / "bom.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(script()).encode())
    assert read_story_file(str(path)).shots[3].link.kind == "MI2V"


def test_our_own_stories_come_back_unchanged(tmp_path):
    story = Story(
        title="Ünïcode 猫",
        style="ink",
        subjects=(Subject(id="a", name="Ada", kind="person"), Subject(id="p", name="the park", kind="place")),
        scenes=(Scene(number=3, place="p"),),
        shots=(
            Shot(id="x", scene=3, caption="Ada waits.", subjects=("a",), duration=2.5, link=Link(kind="scene_cut")),
            Shot(id="y", scene=3, caption="Ada runs.", subjects=("a",), link=Link(kind="MM2V", reason="she said so")),
        ),
    )
    write_story_file(tmp_path / "own.json", story)
    assert read_story_file(tmp_path / "own.json") == story


def test_a_script_written_out_reads_back_the_same(tmp_path):
    story = read_story_file(written(tmp_path, script()))
    links = {shot.id: shot.link.kind for shot in story.shots} | {"shot-02": "MM2V"}
    write_storymem_file(tmp_path / "again.json", story, links)
    again = read_story_file(tmp_path / "again.json")
    assert [(shot.caption, shot.link.kind != "scene_cut") for shot in again.shots] == [
        (shot.caption, shot.link.kind != "scene_cut") for shot in story.shots
    ]
    data = storymem_script(story, links)
    assert [scene["scene_num"] for scene in data["scenes"]] == [1, 2]
    assert data["scenes"][0]["cut"] == [True, False]


def scenes_with(index, **changes):
    scenes = script()["scenes"]
    scenes[index] = scenes[index] | changes
    return script(scenes=scenes)


@pytest.mark.parametrize(
    "data, words",
    [
        (script(scenes=[]), ["scenes", "at least 1"]),
        ({"story_name": "x"}, ["scenes", "required"]),
        (scenes_with(1, cut=[True, "maybe"]), ["scenes[1].cut", "'maybe'", "neither true nor false"]),
        (scenes_with(1, cut=[True, 0]), ["scenes[1].cut", "cut[1]"]),
        (scenes_with(1, cut="True"), ["scenes[1].cut"]),
        (scenes_with(1, cut=[True]), ["scenes[1].cut", "1 cuts for 2 video_prompts"]),
        (scenes_with(0, video_prompts=[]), ["scenes[0].video_prompts"]),
        (scenes_with(0, video_prompts=["a", " "]), ["scenes[0].video_prompts", "empty"]),
        (scenes_with(0, video_prompts=["a", 5]), ["scenes[0].video_prompts[1]", "string"]),
        (scenes_with(1, scene_num=7), ["scenes[1].scene_num", "7"]),
        (scenes_with(0, cut=[False, False]), ["scenes[0].cut[0]", "true"]),
        ({"title": "x", "scenes": [{"number": 1}], "shots": [{"id": "a", "scene": 2, "caption": "x"}]}, ["scene 2"]),
        (
            {"title": "x", "scenes": [{"number": 1}], "shots": [{"id": "a", "scene": 1, "caption": "x", "speed": 1}]},
            ["shots[0].speed", "not permitted"],
        ),
        (
            {"title": "x", "scenes": [{"number": 1}], "shots": [{"id": "a", "scene": 1}, {"id": "b"}]},
            ["shots[0].caption", "3 more"],
        ),
        ({"anything": 1}, ["anything", "story_name", "title"]),
        ([1, 2], ["list", "story_name"]),
        ("null", ["null"]),
        ("3", ["number"]),
    ],
)
def test_a_wrong_story_says_which_field(tmp_path, data, words):
    message = refusal(written(tmp_path, data))
    for word in words:
        assert word in message


def test_broken_json_says_line_and_column(tmp_path):
    message = refusal(written(tmp_path, '{"story_name": "x",\n "scenes": [,]}'))
    assert "line 2, column 13" in message


def test_comments_are_named_as_the_cause(tmp_path):
    assert "no comments" in refusal(written(tmp_path, '{"a": 1} // note'))


def test_files_that_are_no_story_files(tmp_path):
    assert "does not exist" in refusal(tmp_path / "absent.json")
    assert "folder" in refusal(tmp_path)
    latin = tmp_path / "latin.json"
    latin.write_bytes('{"story_name": "é"}'.encode("latin-1"))
    assert "UTF-8" in refusal(latin)
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    assert str(LARGEST_FILE) in refusal(huge)
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000 + "]" * 100_000)
    refusal(deep)
    (tmp_path / "empty.json").touch()
    assert "line 1" in refusal(tmp_path / "empty.json")


def test_writing_where_nothing_can_be_written(tmp_path):
    story = story_from_data(script(), source="x")
    with pytest.raises(UsageError, match="cannot be written"):
        write_story_file(tmp_path / "no" / "such" / "folder.json", story)


PROMPT = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)


@given(st.lists(st.lists(st.tuples(PROMPT, st.booleans()), min_size=1, max_size=4), min_size=1, max_size=4))
def test_any_script_keeps_its_words_and_cuts(scenes):
    data = {
        "story_name": "s",
        "scenes": [{"video_prompts": [p for p, _ in scene], "cut": [c for _, c in scene]} for scene in scenes],
    }
    data["scenes"][0]["cut"][0] = True
    story = story_from_data(data, source="test")
    assert [shot.caption for shot in story.shots] == [p for scene in scenes for p, _ in scene]
    assert [shot.link.kind == "scene_cut" for shot in story.shots] == [c for s in data["scenes"] for c in s["cut"]]
