"""The writer with a language model: ask, check, send back what fails with the reasons, at most three rounds.

A draft that is no story is written again whole; captions that fail the validator are mended one by one, so that what
is good stays. Knows the port, the prompts and the validator; no server.
"""

from __future__ import annotations

from filmagent.agents.drafts import CaptionFixes, StoryDraft, story_of, subject_ids
from filmagent.agents.llm import LLM, Message
from filmagent.agents.prompts import WRITER, captions_again, draft_again, story_order
from filmagent.agents.story_request import StoryRequest
from filmagent.agents.validator import check_story
from filmagent.errors import LLMAnswerError, WriterError
from filmagent.schemas.story import Story

ROUNDS = 3
"""Questions to the model for one story, the first included."""


def write_with_llm(request: StoryRequest, llm: LLM) -> Story:
    """Write a story whose captions all pass the validator.

    Raises:
        WriterError: something still fails after the last round; the message lists what.
        LLMAnswerError: the last answer did not fit the schema.
        LLMError: the model gave nothing usable.
    """
    opening = (Message("system", WRITER), Message("user", story_order(request)))
    conversation: tuple[Message, ...] = opening
    story: Story | None = None
    reasons: list[str] = []
    for round_number in range(1, ROUNDS + 1):
        try:
            if story is None:
                draft = llm.ask(conversation, StoryDraft)
                answer = draft.model_dump_json()
                story, reasons = _read_draft(draft, request)
            else:
                fixes = llm.ask(conversation, CaptionFixes)
                answer = fixes.model_dump_json()
                story, reasons = _mend(story, fixes)
        except LLMAnswerError as error:
            if round_number == ROUNDS:
                raise
            answer, reasons = "(no usable answer)", [str(error)]
        if story is None:
            conversation = (*opening, Message("assistant", answer), Message("user", draft_again(reasons)))
            continue
        findings = check_story(story)
        if not findings and not reasons:
            return story
        conversation = (opening[0], Message("user", captions_again(findings, story)))
        reasons = [f"{finding.shot}: {finding.message}" for finding in findings] + reasons
    raise WriterError(f"{llm.describe} wrote no story that can be filmed in {ROUNDS} rounds. What still fails: "
                      + "; ".join(reasons) + ". Change the logline, choose another model, or write offline")


def _read_draft(draft: StoryDraft, request: StoryRequest) -> tuple[Story | None, list[str]]:
    """Return the story of a draft, or None and what keeps it from being one."""
    try:
        story = story_of(draft, request.style)
    except ValueError as error:
        return None, str(error).splitlines()
    reasons = _unmet(story, request)
    return (None, reasons) if reasons else (story, [])


def _unmet(story: Story, request: StoryRequest) -> list[str]:
    """What the order asks for and the story does not have."""
    reasons = []
    if request.shots is not None and len(story.shots) != request.shots:
        reasons.append(f"the story has {len(story.shots)} shots: write exactly {request.shots}")
    known = {text.casefold() for subject in story.subjects for text in (subject.id, subject.name)}
    reasons += [f"the inventory lacks {name!r}: name a subject exactly so" for name in request.cast
                if name.strip().casefold() not in known]
    return reasons


def _mend(story: Story, fixes: CaptionFixes) -> tuple[Story, list[str]]:
    """Return the story with the mended captions. Only shots that fail may change; the rest of an answer is ignored."""
    failing = {finding.shot for finding in check_story(story)}
    shots, reasons = {shot.id: shot for shot in story.shots}, []
    for fix in fixes.captions:
        if fix.shot not in failing or not fix.caption.strip():
            continue
        try:
            subjects = subject_ids(fix.subjects, tuple(s for s in story.subjects if s.kind != "place"))
        except ValueError as error:
            reasons.append(f"{fix.shot}: {error}")
            continue
        shots[fix.shot] = shots[fix.shot].model_copy(update={"caption": fix.caption.strip(), "subjects": subjects})
    return story.model_copy(update={"shots": tuple(shots[shot.id] for shot in story.shots)}), reasons
