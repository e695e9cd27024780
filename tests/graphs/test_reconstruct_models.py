"""Reconstructions by real models: Memento's experts at toy size, and the weights that ship with filmagent."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from filmagent.generation.registry import create_generator
from filmagent.graphs.reconstruct import reconstruct
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.run_memory import read_memory
from filmagent.graphs.runner import run_film
from filmagent.graphs.studio import Studio
from filmagent.settings import Settings
from tests.support.painter import Painter, painters_studio
from tests.support.stories import MARLOW, story
from tests.support.tiny_memento import build_tiny_memento, tiny_memento
from tests.support.toy_studio import toy_studio


def film(folder: Path, studio: Studio, shots: int, **settings: object) -> Path:
    run_film(folder, request=RunRequest(story=story(shots), settings=Settings(**settings)), studio=studio)
    return folder


def test_memento_draws_its_identity_picture_from_what_its_experts_choose(tmp_path: Path):
    generator = tiny_memento(build_tiny_memento(tmp_path / "weights"))
    studio = replace(toy_studio(), make_generator=lambda settings: generator)
    run = film(tmp_path / "film", studio, 2, memory="memento")
    found = reconstruct(studio, read_memory(run), MARLOW)
    assert found.prompt == "[Animal A] Marlow the cat"
    assert np.asarray(Image.open(run / found.path)).shape == (32, 32, 3)
    assert {"high_noise", "low_noise"} <= {expert for use in found.memory for expert in use.chosen_by}
    assert max(use.film_frame for use in found.memory) == 16


def test_papercut_s_own_weights_draw_from_memory(tmp_path: Path):
    papercut = create_generator("papercut", steps=2)
    run = film(tmp_path / "film", painters_studio(Painter()), 1)
    found = reconstruct(Studio(make_generator=lambda settings: papercut), read_memory(run), MARLOW)
    asked = r"medium shot of the meadow (one|two|three) at day where the cat looks around"
    assert re.fullmatch(asked, found.prompt), found.prompt
    assert np.asarray(Image.open(run / found.path)).shape == (found.height, found.width, 3)
    assert set(found.scores) <= {"identity", "shown"}
    assert all(0 <= score <= 1 for score in found.scores.values())
