"""Which sets of models there are: repositories, pinned revisions, licences. The one place that names them.

Only what is published is stated. A revision of None means the newest: what came is named by its commit in
`filmagent models --json`, and by the hash of its files in a film's manifest. A size of None is not published.
Pure data: reads no file, asks no server.

Sources: the repositories' own pages; for StoryMem's files, size and revision, a public project that pins them
(its sizes match four rank-128 adapters in float32 to 0.05 %).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from filmagent.errors import UsageError
from filmagent.generation.models.licences import APACHE, CC_BY_NC, MEMENTO, Licence

Content = Literal["wan", "adapters", "memento"]
"""`wan`: a model folder; `adapters`: LoRA files for a Wan expert; `memento`: the same with a frame selector in it."""


@dataclass(frozen=True)
class Repository:
    """Files of one repository of the Hugging Face hub."""

    id: str
    revision: str | None
    """A commit; None: the newest of the branch `main`."""
    files: tuple[str, ...]
    """Patterns of the files that are needed; `*` stands for any characters, slashes too."""
    content: Content
    licence: Licence
    role: str
    bytes: int | None = None
    """Expected size, where it is published."""
    pickles: tuple[str, ...] = ()
    """Patterns of `.pth` files that do where their publisher gives no safetensors of the same name."""


@dataclass(frozen=True)
class ModelSet:
    """What one generator needs, under the generator's name."""

    name: str
    what: str
    repositories: tuple[Repository, ...] = ()
    """Empty: the files come with filmagent."""
    licence: Licence = APACHE
    """Of the files that come with filmagent; those of repositories are theirs."""

    def licences(self) -> tuple[Licence, ...]:
        """Return every licence of the set, each once."""
        found = [repository.licence for repository in self.repositories] or [self.licence]
        return tuple(dict.fromkeys(found))


DIFFUSERS_FOLDER = ("*.json", "*.safetensors", "tokenizer/*.model")
"""Configurations, weights and tokenizer of a folder in diffusers' format; no pickle."""

WAN_I2V = Repository(
    "Wan-AI/Wan2.2-I2V-A14B-Diffusers", None, DIFFUSERS_FOLDER, "wan", APACHE, "experts, VAE and text encoder"
)
WAN_T2V = Repository(
    "Wan-AI/Wan2.2-T2V-A14B-Diffusers", None, DIFFUSERS_FOLDER, "wan", APACHE, "experts, VAE and text encoder"
)
STORYMEM = Repository(
    "Kevin-thu/StoryMem",
    "6dc32f376da3a4552b871ae85b03221ba50dd1f6",
    tuple(
        f"Wan2.2-{link}-A14B/backbone_{noise}_noise.safetensors" for link in ("MI2V", "MM2V")
        for noise in ("high", "low")
    ),
    "adapters",
    CC_BY_NC,
    "memory adapters (MI2V and MM2V, high- and low-noise expert each)",
    bytes=9_820_025_861,
)
MEMENTO_EXPERTS = ("backbone_high_noise", "backbone_low_noise")
"""Names of Memento's files, without suffix: its page lists `.pth`, its programme takes safetensors too."""
MEMENTO_WEIGHTS = Repository(
    "ernie-research/Memento",
    None,
    tuple(f"{expert}.safetensors" for expert in MEMENTO_EXPERTS),
    "memento",
    MEMENTO,
    "memory adapters and frame selectors (high- and low-noise expert each)",
    pickles=tuple(f"{expert}.pth" for expert in MEMENTO_EXPERTS),
)

MODEL_SETS: Mapping[str, ModelSet] = {
    found.name: found
    for found in (
        ModelSet("papercut", "the built-in small model of a paper cut-out world; runs on a laptop"),
        ModelSet("wan2.2", "Wan2.2 from text, every shot a cut, without memory", (WAN_T2V,)),
        ModelSet("wan2.2-storymem", "Wan2.2 with StoryMem's memory; all links", (WAN_I2V, STORYMEM)),
        ModelSet("wan2.2-memento", "Wan2.2 with Memento's memory", (WAN_I2V, MEMENTO_WEIGHTS)),
    )
}


def model_set(name: str) -> ModelSet:
    """Return a set by its name. Raises UsageError naming those that there are."""
    if name not in MODEL_SETS:
        raise UsageError(f"there are no models {name!r}; choose from {', '.join(MODEL_SETS)}")
    return MODEL_SETS[name]


def commercial_sets() -> tuple[str, ...]:
    """Return the names of the sets whose licences all allow commercial films."""
    return tuple(
        name for name, found in MODEL_SETS.items() if all(licence.commercial for licence in found.licences())
    )


def how_to_get(name: str) -> str:
    """Return what a person does when files of a set are missing; ends a message."""
    return f"`filmagent models pull {name}` fetches it, `filmagent models verify {name}` says what is broken"
