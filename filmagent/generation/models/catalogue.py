"""Which sets of models there are: repositories, pinned revisions, licences. The one place that names them.

Only what is published is stated. A revision of None means the newest: what came is named by its commit in
`filmagent models --json`, and by the hash of its files in a film's manifest. A size of None is not published.
Pure data: reads no file, asks no server.

Sources: the repositories' own pages; for StoryMem's files, size and revision, a public project that pins them
(its sizes match four rank-128 adapters in float32 to 0.05 %). For LightX2V's: github.com/ModelTC/Wan2.2-Lightning for
folders and licence, and several public projects that pin the revision and give 1.227 GB a file (rank 64 on all linear
layers in float32 is 1,226,833,920 bytes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from filmagent.errors import UsageError
from filmagent.generation.models.licences import APACHE, CC_BY_NC, MEMENTO, Licence

Content = Literal["wan", "adapters", "memento", "few-step"]
"""`wan`: a model folder; `adapters`: LoRA files for a Wan expert; `memento`: the same with a frame selector in it;
`few-step`: LoRA files as LightX2V names their layers."""


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
    """What one generator needs, under the generator's name; or a part that several may film with."""

    name: str
    what: str
    repositories: tuple[Repository, ...] = ()
    """Empty: the files come with filmagent."""
    licence: Licence = APACHE
    """Of the files that come with filmagent; those of repositories are theirs."""
    generator: bool = True
    """Whether a generator has this name."""

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
FEW_STEP_SET = "wan2.2-4steps"
"""The set of the adapters of `--speed draft`."""
FEW_STEP_TEXT, FEW_STEP_IMAGE = (
    f"Wan2.2-{kind}-A14B-4steps-lora-rank64-Seko-{version}" for kind, version in (("T2V", "V1.1"), ("I2V", "V1"))
)
"""Folders of the adapters for the text-to-video and the image-to-video experts."""
FEW_STEP_FILES = ("high_noise_model.safetensors", "low_noise_model.safetensors")
LIGHTNING = Repository(
    "lightx2v/Wan2.2-Lightning",
    "18bccf8884ec0a078eed79785eb4ef13ea16ce1e",
    tuple(f"{folder}/{name}" for folder in (FEW_STEP_TEXT, FEW_STEP_IMAGE) for name in FEW_STEP_FILES),
    "few-step",
    APACHE,
    "few-step adapters (for the experts of wan2.2 and of wan2.2-storymem, high- and low-noise each)",
    bytes=4 * 1_227_000_000,
)

MODEL_SETS: Mapping[str, ModelSet] = {
    found.name: found
    for found in (
        ModelSet("papercut", "the built-in small model of a paper cut-out world; runs on a laptop"),
        ModelSet("wan2.2", "Wan2.2 from text, every shot a cut, without memory", (WAN_T2V,)),
        ModelSet("wan2.2-storymem", "Wan2.2 with StoryMem's memory; all links", (WAN_I2V, STORYMEM)),
        ModelSet("wan2.2-storymem-t2v", "the same, its first shot by Wan2.2 from text", (WAN_I2V, STORYMEM, WAN_T2V)),
        ModelSet("wan2.2-memento", "Wan2.2 with Memento's memory", (WAN_I2V, MEMENTO_WEIGHTS)),
        ModelSet(FEW_STEP_SET, "four-step adapters for --speed draft, beside wan2.2 or wan2.2-storymem", (LIGHTNING,),
                 generator=False),
    )
}


def model_set(name: str) -> ModelSet:
    """Return a set by its name. Raises UsageError naming those that there are."""
    if name not in MODEL_SETS:
        raise UsageError(f"there are no models {name!r}; choose from {', '.join(MODEL_SETS)}")
    return MODEL_SETS[name]


def commercial_sets() -> tuple[str, ...]:
    """Return the generators whose sets' licences all allow commercial films."""
    return tuple(
        name for name, found in MODEL_SETS.items()
        if found.generator and all(licence.commercial for licence in found.licences())
    )


def how_to_get(name: str) -> str:
    """Return what a person does when files of a set are missing; ends a message."""
    return f"`filmagent models pull {name}` fetches it, `filmagent models verify {name}` says what is broken"
