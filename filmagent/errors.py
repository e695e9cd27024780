"""The one hierarchy of errors: a class for every decision that a caller can take.

Every message says what is wrong, with which value, and what to do next. This module knows no room of
the house; every room may raise these.
"""

from __future__ import annotations


class FilmAgentError(Exception):
    """Base of everything filmagent raises on purpose. Decision: show the message and stop."""

    exit_code: int = 1
    """What the command line returns for this error."""


class UsageError(FilmAgentError):
    """A person's input cannot be used (flag, file, picture, size). Decision: correct the input."""

    exit_code = 2


class AnswerError(UsageError):
    """An answer does not fit the question that is open at a gate. Decision: answer again."""


class RunBusyError(UsageError):
    """Another process works on this run folder. Decision: wait, or choose another folder."""


class WriterError(FilmAgentError):
    """The writer could not produce a story that passes the validator. Decision: change the logline or the LLM."""


class LLMError(FilmAgentError):
    """The language model gave nothing usable. Decision: check server, model name and key, or go offline."""


class LLMUnavailableError(LLMError):
    """The server stayed unreachable, overloaded or silent through every retry. Decision: try later."""


class LLMRequestError(LLMError):
    """The server rejected the request itself (400, 401, 403, 404...). Decision: mend key, model or URL."""


class LLMRefusedError(LLMError):
    """The model declined to answer. Decision: change what is asked."""


class LLMAnswerError(LLMError):
    """The answer was cut off or does not fit the schema. Decision: ask again or choose another model."""


class GenerationError(FilmAgentError):
    """A take could not be made. Decision: lower size or memory, or choose another generator."""


class GenerationCancelledError(FilmAgentError):
    """A take was stopped on request before it was finished. Decision: resume later."""

    exit_code = 130


class ModelFilesError(FilmAgentError):
    """Model files are missing, broken or do not fit. Decision: fetch or repair them."""


class ScoringError(FilmAgentError):
    """A measurement broke. Decision: the take has no verdict; it is not a pass and not a retake."""


class ArtifactError(FilmAgentError):
    """A file of a run is truncated, altered, or cannot be written. Decision: free space, or redo that take."""
