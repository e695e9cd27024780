"""Story files in and out: our own JSON (a `Story`), StoryMem scripts (the format of ST-Bench) and Memento's.

A shot list that is read is respected exactly: captions, order and cuts are never rewritten. Which subjects a script
without an inventory names is found in `script_subjects`; a Memento script has one, read in `memento_story`. Knows
nothing of writers, directors or generators.

Source of the script format: StoryMem (arXiv 2512.19539), its published story scripts; Memento (arXiv 2606.14667).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from filmagent.errors import UsageError
from filmagent.schemas.memento_story import memento_script, split_prompt, subjects_of_prompt, subjects_of_prompts
from filmagent.schemas.script_subjects import find_subjects, subjects_in_frame
from filmagent.schemas.story import Camera, Link, LinkKind, Scene, Shot, ShotSize, Story

LARGEST_FILE = 5 * 1024 * 1024
"""Bytes; a longer file is no script."""
CUT_FALSE_REASON = "the script says cut: false"
"""Reason of a link whose script asks for a join and leaves open which one; the director may choose MI2V or MM2V."""
CUT_TRUE_REASON = "the script says cut: true"

T = TypeVar("T", bound=BaseModel)

_SHAPES = ("A story file is either a filmagent story (title, scenes, shots) or a StoryMem or Memento script "
           "(story_name, scenes with video_prompts and cut).")


class ScriptScene(BaseModel):
    """One scene of a StoryMem script: a prompt and a cut for every shot."""

    model_config = ConfigDict(frozen=True)

    scene_num: int | None = Field(default=None, ge=1)
    video_prompts: tuple[str, ...] = Field(min_length=1)
    cut: tuple[bool, ...]
    first_frame_prompt: tuple[str, ...] = ()

    @field_validator("cut", mode="before")
    @classmethod
    def _read_words(cls, value: object) -> object:
        """Take the words "True" and "False" for what they mean; anything else must be a boolean."""
        words = {"true": True, "false": False}
        if not isinstance(value, list):
            return value
        read = [words.get(item.strip().lower(), item) if isinstance(item, str) else item for item in value]
        for index, item in enumerate(read):
            if not isinstance(item, bool):
                raise ValueError(f"cut[{index}] is {item!r}, which is neither true nor false")
        return read

    @field_validator("video_prompts")
    @classmethod
    def _say_something(cls, prompts: tuple[str, ...]) -> tuple[str, ...]:
        for index, prompt in enumerate(prompts):
            if not prompt.strip():
                raise ValueError(f"video_prompts[{index}] is empty")
        return prompts


class Script(BaseModel):
    """A StoryMem script, or a Memento one."""

    model_config = ConfigDict(frozen=True)

    story_name: str = ""
    story_overview: str = ""
    reconstruct_target: str = ""
    """Memento only: one `[Label] looks` a line."""
    scenes: tuple[ScriptScene, ...] = Field(min_length=1)


def read_story_file(path: str | Path) -> Story:
    """Read a story file of either format.

    A script's `cut: true` becomes a fixed `scene_cut`; `cut: false` becomes a fixed join, written as MI2V with
    `CUT_FALSE_REASON`, whose exact kind the director may still choose.

    Raises:
        UsageError: the file is missing, a folder, too large, not UTF-8, not JSON, or not a story; the message names
            the file, where in it, and what to do.
    """
    file = Path(path)
    return story_from_data(_read_json(file), source=str(file))


def story_from_data(data: object, *, source: str) -> Story:
    """Make a story of parsed JSON of either format; `source` names it in messages. Raises UsageError."""
    if not isinstance(data, dict):
        raise UsageError(f"{source!r} holds a JSON {_json_word(data)}, not an object. {_SHAPES}")
    if _looks_like_script(data):
        return _story_of_script(_validated(Script, data, source), source)
    if "shots" in data:
        return _validated(Story, data, source)
    raise UsageError(f"{source!r} has the keys {', '.join(sorted(map(str, data))) or 'none'}. {_SHAPES}")


def write_story_file(path: str | Path, story: Story) -> None:
    """Write a story as our own JSON, which `read_story_file` reads back unchanged. Raises UsageError."""
    _write(Path(path), story.model_dump(mode="json"))


def storymem_script(story: Story, links: Mapping[str, LinkKind]) -> dict[str, Any]:
    """Return a story as a StoryMem script.

    Args:
        story: what to write; captions become `video_prompts` word for word.
        links: shot id -> link; `scene_cut` becomes `cut: true`, a join `cut: false`.

    Raises:
        KeyError: a shot has no link.
    """
    scenes: list[dict[str, Any]] = []
    for scene in story.scenes:
        shots = [shot for shot in story.shots if shot.scene == scene.number]
        if shots:
            scenes.append({"scene_num": len(scenes) + 1, "video_prompts": [shot.caption for shot in shots],
                           "cut": [links[shot.id] == "scene_cut" for shot in shots]})
    return {"story_name": story.title, "story_overview": story.overview, "scenes": scenes}


def write_storymem_file(path: str | Path, story: Story, links: Mapping[str, LinkKind]) -> None:
    """Write a story as a StoryMem script. Raises UsageError if the file cannot be written."""
    _write(Path(path), storymem_script(story, links))


def write_memento_file(path: str | Path, story: Story, links: Mapping[str, LinkKind]) -> None:
    """Write a story as a Memento script. Raises UsageError if the file cannot be written."""
    _write(Path(path), memento_script(story, links))


def _read_json(file: Path) -> object:
    try:
        if file.is_dir():
            raise UsageError(f"{str(file)!r} is a folder; give the story file in it")
        size = file.stat().st_size
        if size > LARGEST_FILE:
            raise UsageError(f"{str(file)!r} has {size} bytes; a story file has at most {LARGEST_FILE}")
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{str(file)!r} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except FileNotFoundError as error:
        raise UsageError(f"{str(file)!r} does not exist; check the path") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{str(file)!r} cannot be read: {error}") from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{str(file)!r}, line {error.lineno}, column {error.colno}: {error.msg}. "
                         "The file must be strict JSON: no comments, no comma after the last item") from error
    except RecursionError as error:
        raise UsageError(f"{str(file)!r} is nested too deeply for a story") from error


def _looks_like_script(data: Mapping[str, object]) -> bool:
    scenes = data.get("scenes")
    named = "story_name" in data or "story_overview" in data
    return named or (isinstance(scenes, list) and any(isinstance(s, dict) and "video_prompts" in s for s in scenes))


def _validated(model: type[T], data: dict[str, Any], source: str) -> T:
    try:
        return model.model_validate_json(json.dumps(data))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = _field_path(first["loc"])
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        message = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{source!r}{f', field {where}' if where else ''}: {message}{more}. Mend it and read the "
                         f"file again") from error


def _field_path(location: tuple[int | str, ...]) -> str:
    """Write a pydantic location as people do: ("scenes", 1, "cut") becomes scenes[1].cut."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def _story_of_script(script: Script, source: str) -> Story:
    _check_script(script, source)
    prompts = [prompt for scene in script.scenes for prompt in scene.video_prompts]
    labelled = any(split_prompt(prompt) is not None for prompt in prompts)
    subjects = subjects_of_prompts(prompts, script.reconstruct_target) if labelled else find_subjects(prompts)
    scenes: list[Scene] = []
    shots: list[Shot] = []
    for number, scene in enumerate(script.scenes, start=1):
        scenes.append(Scene(number=number))
        in_frame: tuple[str, ...] = ()
        for prompt, cut in zip(scene.video_prompts, scene.cut, strict=True):
            in_frame = (subjects_of_prompt(prompt, subjects) if labelled
                        else subjects_in_frame(prompt, subjects, in_frame))
            shots.append(_shot_of_prompt(f"shot-{len(shots) + 1:02d}", number, prompt, cut, in_frame))
    title = script.story_name.strip() or Path(source).stem
    return Story(title=title, overview=script.story_overview, subjects=subjects, scenes=tuple(scenes),
                 shots=tuple(shots))


def _check_script(script: Script, source: str) -> None:
    for index, scene in enumerate(script.scenes):
        prompts, cuts = len(scene.video_prompts), len(scene.cut)
        if prompts != cuts:
            raise UsageError(f"{source!r}, field scenes[{index}].cut: {cuts} cuts for {prompts} video_prompts; "
                             "give one cut for every prompt")
        if scene.scene_num is not None and scene.scene_num != index + 1:
            raise UsageError(f"{source!r}, field scenes[{index}].scene_num: {scene.scene_num} stands where "
                             f"{index + 1} belongs; number the scenes 1, 2, 3 in order")
    if not script.scenes[0].cut[0]:
        raise UsageError(f"{source!r}, field scenes[0].cut[0]: the first shot has nothing to continue; set it to true")


def _shot_of_prompt(key: str, scene: int, prompt: str, cut: bool, subjects: tuple[str, ...]) -> Shot:
    link = Link(kind="scene_cut", reason=CUT_TRUE_REASON) if cut else Link(kind="MI2V", reason=CUT_FALSE_REASON)
    return Shot(id=key, scene=scene, caption=prompt, subjects=subjects, shot_size=_shot_size(prompt),
                camera=_camera(prompt), link=link)


def _shot_size(prompt: str) -> ShotSize:
    text = prompt.lower()
    found: dict[Literal["close", "medium", "wide"], int] = {
        "close": text.find("close"), "medium": text.find("medium"), "wide": text.find("wide")}
    named = [(position, size) for size, position in found.items() if position >= 0]
    return min(named)[1] if named else "medium"


def _camera(prompt: str) -> Camera:
    text = prompt.lower()
    if any(word in text for word in ("push-in", "push in", "pushes in", "dolly-in", "zoom-in", "zoom in", "zooms in")):
        return "push_in"
    return "pan" if any(word in text for word in (" pan", "tracking", "tracks ")) else "still"


def _write(path: Path, data: Mapping[str, object]) -> None:
    try:
        path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error


def _json_word(data: object) -> str:
    return {list: "list", str: "text", int: "number", float: "number", bool: "boolean"}.get(type(data), "null")
