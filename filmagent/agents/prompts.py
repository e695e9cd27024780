"""What the language model is told: the craft of writer and director in plain words.

What a prompt must cover follows the story-writing prompt of StoryMem (arXiv 2512.19539), said in our own words.
A person's text is always fenced, as material to work on and never as an instruction. Knows schemas; no servers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from filmagent.agents.story_request import StoryRequest
from filmagent.agents.validator import Finding
from filmagent.schemas.plan import Plan, ShotPlan
from filmagent.schemas.story import LinkKind, Shot, Story

DEFAULT_SHOTS = 8

WRITER = """\
You write short films that a video model shoots. You turn a logline into a subject inventory and a list of shots.

Story
- Simple, clear and told in pictures: a wish, an obstacle, a change, an end. Nothing that needs dialogue or sound.
- Every shot is one clip of about five seconds with one main action. No readable text in the picture, no extreme
  motion, no crowds, no more than two acting subjects in a shot.
- A scene is a stretch of shots in one place. Vary wide, medium and close shots; use simple camera moves.

Inventory
- List everyone, every object and every place that recurs. Each has one fixed, explicit name, such as "Marlow the
  cat", "the red lantern" or "the harbour". Describe each appearance so that a stranger would recognise it: age, build,
  colours, clothing, material.

Captions
- Every caption is read alone by somebody who knows no other shot. Write it in English, whatever the language of the
  logline, in the present tense, in 1 to 4 sentences.
- Say who is in frame, by fixed name, and what they do; the place, the light and the time of day; the mood; the shot
  size and the camera.
- Never use he, she, it, they or any other third-person pronoun, not even its, their, itself or "it rains": repeat the
  fixed name instead.
- Name every subject that you list in frame, and no other. Spell out the appearance when a subject is first seen.
- Never mention other shots, previous frames or transitions.
"""

DIRECTOR = """\
You direct a film whose shots are made one after another by a video model with memory. For every shot you decide how it
joins the one before:
- scene_cut: a hard cut. The shot starts fresh and only remembers who and where.
- MI2V: no cut. The shot goes on from the last frame of the one before; right for calm, continuing action.
- MM2V: no cut. The shot goes on from the last five frames; right when motion is fast or the camera moves.

Rules that always hold
- The first shot of the film and the first shot of every scene are scene_cut.
- A join needs the same place. Someone new in frame, or a clearly different shot size, asks for a cut.
- Use only the links that the generator can do. A link marked as fixed stays as it is.
- Decide every shot once, in the given order. Give each decision a reason in one short line that a person can agree
  or disagree with.
"""


def story_order(request: StoryRequest) -> str:
    """Return the writer's task for one logline."""
    shots = request.shots
    parts = [f"Write exactly {shots} shots." if shots else f"Write {DEFAULT_SHOTS} shots, or up to 12 if the logline "
             "needs more.", fenced("logline", request.logline)]
    if request.style.strip():
        parts.append(f"{fenced('style', request.style)}\nThe style is added to every caption later: do not repeat it.")
    if request.cast:
        parts.append("These names must be subjects of the inventory, spelled exactly so: "
                     + ", ".join(json.dumps(name, ensure_ascii=False) for name in request.cast))
    if request.previous is not None:
        parts.append(f"A person rejected this story:\n{fenced('rejected story', _story_facts(request.previous))}")
    if request.notes.strip():
        parts.append(f"A person asks for this; follow it:\n{fenced('notes', request.notes)}")
    return "\n\n".join(parts)


def draft_again(reasons: Iterable[str]) -> str:
    """Return what is said when a whole draft cannot be used."""
    return "This cannot be filmed yet:\n" + _bullets(reasons) + "\nWrite the whole story again with this mended."


def captions_again(findings: Iterable[Finding], story: Story) -> str:
    """Return what is said when some captions fail the validator."""
    by_shot: dict[str, list[str]] = {}
    for finding in findings:
        by_shot.setdefault(finding.shot, []).append(finding.message)
    blocks = []
    for key, messages in by_shot.items():
        shot = story.shot(key)
        names = [story.subject(subject).name for subject in shot.subjects]
        blocks.append(f"{key}, in frame: {', '.join(names) or 'nobody'}\n{fenced('caption', shot.caption)}\n"
                      f"{_bullets(messages)}")
    return ("The story is good; these captions break the rules:\n\n" + "\n\n".join(blocks)
            + "\n\nAnswer with a better caption, and the names in frame, for each of these shots and for no other.")


def plan_order(story: Story, draft: Plan, links: frozenset[LinkKind], notes: str, previous: Plan | None) -> str:
    """Return the director's task for one story.

    Args:
        story: what is directed.
        draft: the decisions by the rules; those by a script or a person are fixed.
        links: what the generator can do.
        notes: what a person wants changed.
        previous: the plan that the notes are about.
    """
    lines = [_shot_line(story, shot, decision) for shot, decision in zip(story.shots, draft.shots, strict=True)]
    parts = [f"The generator can do: {', '.join(sorted(links))}.", fenced("shots", "\n".join(lines))]
    if previous is not None:
        old = "\n".join(f"{d.shot}: {d.link.kind} ({d.link.reason})" for d in previous.shots)
        parts.append(f"A person rejected this plan:\n{fenced('rejected plan', old)}")
    if notes.strip():
        parts.append(f"A person asks for this; follow it within the rules:\n{fenced('notes', notes)}")
    return "\n\n".join(parts)


def plan_again(reasons: Iterable[str]) -> str:
    """Return what is said when a plan breaks the rules of joining."""
    return "This plan cannot be filmed:\n" + _bullets(reasons) + "\nDecide every shot again with this mended."


def fenced(label: str, text: str) -> str:
    """Put a text between marks that say what it is; the marks cannot be closed from inside."""
    inside = text.strip().replace("<<<", "< < <").replace(">>>", "> > >")
    return f"<<<{label}\n{inside}\n{label}>>>"


def _shot_line(story: Story, shot: Shot, decision: ShotPlan) -> str:
    place = story.place_of(shot)
    facts = [shot.id, f"scene {shot.scene}", f"place: {place.name if place else 'not given'}", shot.shot_size,
             f"camera {shot.camera}",
             f"in frame: {', '.join(story.subject(key).name for key in shot.subjects) or 'nobody'}"]
    if decision.decided_by in ("script", "person"):
        facts.append(f"FIXED LINK: {decision.link.kind}")
    return f"{' | '.join(facts)}\n  {shot.caption}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _story_facts(story: Story) -> str:
    return json.dumps({"title": story.title, "overview": story.overview,
                       "subjects": [subject.name for subject in story.subjects],
                       "captions": [shot.caption for shot in story.shots]}, ensure_ascii=False, indent=1)
