"""Small synthetic clips, and a run folder with a finished film of three shots."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from filmagent.artifacts import sha256_of_file
from filmagent.delivery.assemble import assemble_film
from filmagent.delivery.manifest import Manifest, build_manifest
from filmagent.delivery.video import write_video
from filmagent.generation.port import Frames
from filmagent.schemas.plan import Plan, ShotPlan
from filmagent.schemas.story import Link, LinkKind, Scene, Shot, Story, Subject
from filmagent.schemas.take import Film, MemoryUse, ModelUse, Review, ShotRecord, Take
from filmagent.settings import Settings


def make_clip(frames: int = 6, width: int = 64, height: int = 48, seed: int = 0) -> Frames:
    """A disc that crosses a coloured gradient."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    ground = np.stack([x * 255 // width, y * 255 // height, np.full_like(x, rng.integers(40, 200))], axis=-1)
    video = np.repeat(ground[None], frames, axis=0).astype(np.uint8)
    colour = rng.integers(0, 255, 3)
    for index in range(frames):
        video[index][(x - 10 - 6 * index) ** 2 + (y - height // 2) ** 2 < 80] = colour
    return video


@pytest.fixture
def clip() -> Callable[..., Frames]:
    """Makes clips: `clip(frames, width, height, seed)`."""
    return make_clip


@dataclass(frozen=True)
class FinishedRun:
    """A run folder whose takes are on disk, and the records of its shots."""

    folder: Path
    story: Story
    plan: Plan
    records: tuple[ShotRecord, ...]
    film: Film

    def manifest(self, **changes: Any) -> Manifest:
        """Build the manifest of this run."""
        given: dict[str, Any] = {
            "run_dir": self.folder, "film": self.film, "logline": "a cat's journey home", "story": self.story,
            "plan": self.plan, "records": self.records, "settings": Settings().model_dump(mode="json"),
            "models": (ModelUse(name="papercut", revision="1", licence="Apache-2.0", role="generator"),),
            "decisions": ["no LLM was asked: offline writer"],
        }
        return build_manifest(**{**given, **changes})


CAPTIONS = ("Marlow the cat wakes at dawn in the market, an orange cat with a blue scarf, soft light.",
            "Marlow the cat walks along the river.", "Marlow the cat meets Robin the robot on the bridge.")


def make_run(folder: Path, captions: Sequence[str] = CAPTIONS, title: str = "The way home") -> FinishedRun:
    """Write takes, memory pictures and a film for these captions; the second shot took two attempts."""
    story = Story(
        title=title, overview="A cat walks home.",
        subjects=(Subject(id="marlow", name="Marlow the cat", kind="animal", appearance="an orange cat"),),
        scenes=(Scene(number=1),),
        shots=tuple(Shot(id=f"shot-{n}", scene=1, caption=text, subjects=("marlow",))
                    for n, text in enumerate(captions, 1)),
    )
    links: list[LinkKind] = ["scene_cut", "MI2V", "MM2V"]
    plan = Plan(shots=tuple(ShotPlan(shot=shot.id, link=Link(kind=links[n % 3], reason="the walk goes on"))
                            for n, shot in enumerate(story.shots)))
    memory = folder / "memory" / "seen.png"
    memory.parent.mkdir(parents=True)
    Image.fromarray(make_clip(1, seed=99)[0]).save(memory)
    use = MemoryUse(sha256=sha256_of_file(memory), path="memory/seen.png", shot="shot-1", subjects=("marlow",),
                    reason="shows Marlow the cat")
    records = tuple(_record(folder, plan.shots[n], n, 2 if n == 1 else 1, (use,) if n else ())
                    for n in range(len(captions)))
    made = assemble_film([folder / record.chosen.path for record in records], folder / "film.mp4")
    film = Film(title=title, path="film.mp4", status="attempts_exhausted", seconds=made.frames / made.fps,
                width=made.width, height=made.height, fps=made.fps, shots=len(records))
    return FinishedRun(folder, story, plan, records, film)


def _record(
    folder: Path, plan: ShotPlan, index: int, attempts: int, memory: tuple[MemoryUse, ...]
) -> ShotRecord:
    takes, reviews = [], []
    for attempt in range(1, attempts + 1):
        key = f"{index:08x}{attempt:08x}"
        write_video(make_clip(seed=10 * index + attempt), folder / f"takes/{key}.mp4", 12)
        takes.append(Take(
            key=key, shot=plan.shot, attempt=attempt, path=f"takes/{key}.mp4",
            sha256=sha256_of_file(folder / f"takes/{key}.mp4"), frames=6, fps=12, width=64, height=48,
            link=plan.link.kind, prompt="a cat", seed=1000 * index + attempt, generator="papercut", memory=memory,
            seconds={"denoise": 1.5},
        ))
        reviews.append(Review(
            take=key, outcome="retake" if attempt < attempts else "attempts_exhausted" if attempts > 1 else "pass",
            scores={"caption_fit/place": 0.31, "identity/marlow": 0.88, "seam/difference": 0.04, "seam/psnr": 31.5},
            symptoms=("identity_drift",) * (attempts > 1), reason="identity drift; the shot has no attempts left",
        ))
    return ShotRecord(shot=plan.shot, chosen=takes[-1], outcome=reviews[-1].outcome, attempts=tuple(takes),
                      reviews=tuple(reviews))


@pytest.fixture(scope="session")
def pristine_run(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A finished film of three shots, made once."""
    return make_run(tmp_path_factory.mktemp("pristine") / "run")


@pytest.fixture
def finished_run(pristine_run: FinishedRun, tmp_path: Path) -> FinishedRun:
    """A copy of the finished film that a test may spoil."""
    shutil.copytree(pristine_run.folder, tmp_path / "run")
    return replace(pristine_run, folder=tmp_path / "run")
