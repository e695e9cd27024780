"""One frozen settings object: every choice a person can make, documented once.

Flags beat environment beats defaults. This is the only module that reads the environment. It knows nothing of
what the choices do. Every field but the key is plain JSON, so that a run can store it; the key never leaves
`llm_key_from_environment`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Gate = Literal["story", "plan", "take", "film"]
GATES: tuple[Gate, ...] = ("story", "plan", "take", "film")


class Reference(BaseModel):
    """A photograph of a subject, given with `--reference "SUBJECT=FILE"`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str
    """Name or id of the subject, as the person wrote it."""
    path: str


class Settings(BaseModel):
    """What one film is made with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shots: int | None = Field(default=None, ge=1, le=64)
    """How many shots the writer plans; None: the writer's choice (8). Not allowed with a story file."""
    style: str = ""
    """Look of the film, such as `watercolour, morning light`."""
    generator: str = "papercut"
    """Who makes the shots; see `filmagent models`."""
    commercial: bool = False
    """Refuse a generator whose models may not be used commercially."""
    memory_budget: int | None = Field(default=None, ge=1)
    """Bytes of memory that the generator may plan with; None: all that is free. Does not change what is filmed."""
    memory: str = "storymem"
    """Memory policy: `none`, `storymem`, `cover`; `memento` or `onestory` with a generator that chooses by itself."""
    memory_frames: int | None = Field(default=None, ge=0, le=10)
    """At most this many memory frames a shot; None: as many as the generator was trained for, at most 10."""
    identity: bool = False
    """Draw the main subject of every shot from memory beside it, to see what is still known of it; for generators that
    can (Memento's)."""
    watch_forgetting: bool = False
    """After every take draw its subjects from memory, and tell the director who is being forgotten."""
    references: tuple[Reference, ...] = ()
    """Photographs of subjects, remembered from the first shot on."""
    llm: str = ""
    """Model name for writer, director and critic; empty: no LLM (the offline writer and the rules)."""
    llm_url: str = ""
    """Base URL of any OpenAI-compatible server; empty: the client's default."""
    vision_critic: bool = False
    """Ask the LLM yes/no questions about pictures of every take."""
    ask: tuple[Gate, ...] = ()
    """Gates at which a person is asked."""
    attempts: int = Field(default=2, ge=1, le=20)
    """Attempts a shot, the first included."""
    film_attempts: int | None = Field(default=None, ge=1)
    """Attempts of the whole film beyond one a shot are limited to this many; None: as many as there are shots."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Baseline seed of the film; every shot derives its own."""
    width: int | None = Field(default=None, ge=16, le=4096)
    height: int | None = Field(default=None, ge=16, le=4096)
    """Size in pixels; None: the generator's native size."""
    steps: int | None = Field(default=None, ge=1, le=200)
    """Denoising steps; None: the generator's default."""
    guidance: float | None = Field(default=None, ge=0, le=30)
    """Guidance scale; None: the generator's default."""
    speed: str = "exact"
    """How much may be given up for time: `exact`, `balanced`, `fast` or `draft`; for Wan2.2's generators."""


def from_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the settings that the environment gives: FILMAGENT_LLM and FILMAGENT_LLM_URL (else OPENAI_BASE_URL)."""
    values = os.environ if environment is None else environment
    found = {
        "llm": values.get("FILMAGENT_LLM", ""),
        "llm_url": values.get("FILMAGENT_LLM_URL", "") or values.get("OPENAI_BASE_URL", ""),
    }
    return {key: value for key, value in found.items() if value}


def llm_key_from_environment(environment: Mapping[str, str] | None = None) -> str | None:
    """Return the LLM server's key (FILMAGENT_LLM_KEY, else OPENAI_API_KEY), or None. Never stored anywhere."""
    values = os.environ if environment is None else environment
    return values.get("FILMAGENT_LLM_KEY") or values.get("OPENAI_API_KEY") or None
