"""Memento's two-part prompts and scripts, in and out."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from filmagent.generation.wan.memento.captions import caption_for_memento
from filmagent.schemas.memento_story import global_part, join_prompt, labels, memento_script, split_prompt
from filmagent.schemas.story import Story, Subject
from filmagent.schemas.story_files import read_story_file, write_memento_file
from tests.support.stories import story

PROMPTS = (
    "global caption: [Animal A]: grey cat, long whiskers, [Person B]: woman in a blue coat; shot caption: [Animal A] "
    "jumps down. [Person B] kneels; light falls in.",
    "global caption: [Animal A]: grey cat; shot caption: [Animal A] eats.",
    "global caption: ; shot caption: Rain on an empty street.",
)
SCRIPT = {
    "reconstruct_target": "[Animal A] grey cat with long whiskers\n[Person B] woman in a blue coat",
    "scenes": [
        {"scene_num": 1, "cut": [True, False], "video_prompts": list(PROMPTS[:2])},
        {"scene_num": 2, "cut": [True], "video_prompts": [PROMPTS[2]]},
    ],
}
LINKS = {"shot-01": "scene_cut", "shot-02": "MI2V", "shot-03": "scene_cut"}


def read(tmp_path, data=SCRIPT):
    (tmp_path / "story.json").write_text(json.dumps(data), encoding="utf-8")
    return read_story_file(tmp_path / "story.json")


def test_a_script_is_read_word_for_word_with_its_cast(tmp_path):
    made = read(tmp_path)
    assert [shot.caption for shot in made.shots] == list(PROMPTS)
    assert [(subject.id, subject.name, subject.kind, subject.appearance) for subject in made.subjects] == [
        ("animal-a", "[Animal A]", "animal", "grey cat with long whiskers"),
        ("person-b", "[Person B]", "person", "woman in a blue coat"),
    ]
    assert [shot.subjects for shot in made.shots] == [("animal-a", "person-b"), ("animal-a",), ()]
    assert [shot.link.kind for shot in made.shots] == ["scene_cut", "MI2V", "scene_cut"]


def test_without_targets_the_looks_come_from_the_prompts(tmp_path):
    made = read(tmp_path, {"scenes": SCRIPT["scenes"]})
    assert made.subjects[0].appearance == "grey cat, long whiskers"


def test_what_is_written_is_what_was_read(tmp_path):
    made = read(tmp_path)
    write_memento_file(tmp_path / "again.json", made, LINKS)
    again = json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))
    assert {key: again[key] for key in SCRIPT} == SCRIPT
    assert read_story_file(tmp_path / "again.json").shots == made.shots


def test_any_story_can_be_told_in_memento_s_words():
    told = memento_script(story(2), {"shot-01": "scene_cut", "shot-02": "MM2V"})
    assert told["reconstruct_target"] == "[Animal A] an orange cat with a blue scarf"
    assert told["scenes"][0]["cut"] == [True, False]
    assert told["scenes"][0]["video_prompts"][0] == (
        "global caption: [Animal A]: an orange cat with a blue scarf; shot caption: [Animal A] walks past tree number "
        "1 in the forest by day.")


def test_a_shot_s_prompt_and_its_subject_s_picture():
    made = story(1)
    prompt = caption_for_memento(made, made.shots[0])
    assert prompt.text.startswith(
        "global caption: [Animal A]: an orange cat with a blue scarf; shot caption: [Animal A] walks")
    assert "Medium shot." in prompt.text and "Marlow" not in prompt.text
    assert (prompt.identity.subject, prompt.identity.text) == ("marlow", "[Animal A] an orange cat with a blue scarf")


def test_a_prompt_that_is_in_two_parts_stays(tmp_path):
    made = read(tmp_path)
    assert caption_for_memento(made, made.shots[1]).text == PROMPTS[1]
    assert caption_for_memento(made, made.shots[2]).identity is None


def test_names_that_are_labels_are_kept_and_others_go_around_them():
    made = story(1)
    cast = (Subject(id="a", name="[Person A]", kind="person"), Subject(id="b", name="Nadia", kind="person"),
            Subject(id="c", name="Rex", kind="animal"), *made.subjects)
    assert labels(Story(**{**dict(made), "subjects": cast})) == {
        "a": "[Person A]", "b": "[Person B]", "c": "[Animal C]", "marlow": "[Animal D]"}


def test_labels_in_any_spelling_and_script_never_break_a_story(tmp_path):
    prompts = ["global caption: [person a]: tall, [Person A]: small, [小明]: a boy, [小红]: a girl; shot caption: x"]
    made = read(tmp_path, {"scenes": [{"cut": [True], "video_prompts": prompts}]})
    assert [subject.appearance for subject in made.subjects] == ["tall", "a boy", "a girl"]
    assert len(made.shots[0].subjects) == 3


def test_what_global_queries_read():
    assert global_part(PROMPTS[1]) == "[Animal A]: grey cat"
    assert global_part("a cat walks") == "a cat walks"
    assert split_prompt("a cat walks") is None


@given(st.text("ab :,[]", max_size=20), st.text(max_size=40))
def test_parts_that_are_joined_come_apart_again(overall, shot):
    parts = split_prompt(join_prompt(overall.strip(), shot.strip()))
    assert (parts.overall, parts.shot) == (overall.strip(), shot.strip())
