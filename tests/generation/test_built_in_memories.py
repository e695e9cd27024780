"""The memories in the package: found where papercut films, trained on its weights, and heeded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmagent.errors import UsageError
from filmagent.evaluation.papercut.laboratory import PapercutOpener
from filmagent.evaluation.papercut.trained_rows import TrainedRow
from filmagent.generation.memory.registry import ONLY_OFFER, check_memory_fits
from filmagent.generation.models.licences import refuse_unless_commercial
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import Candidate, GenerationRequest, Recollection
from filmagent.generation.registry import create_generator, generator_for
from filmagent.generation.trained.built_in import built_in_memory
from filmagent.generation.trained.names import BUILT_IN
from filmagent.graphs.studio import Studio
from filmagent.settings import Settings


def test_papercut_brings_the_memories_that_were_trained_on_it():
    assert {generator_for("papercut", memory) for memory in ("none", "storymem", "cover")} == {"papercut"}
    assert [generator_for("papercut", memory) for memory in BUILT_IN] == ["papercut-memento", "papercut-onestory"]
    for other in ("papercut:weights", "wan-text:models", "wan2.2"):
        assert generator_for(other, "memento") == other, "trained on the package's weights alone"


@pytest.mark.parametrize("memory", BUILT_IN)
def test_a_studio_films_with_them(memory):
    studio, settings = Studio(), Settings(memory=memory)
    generator = studio.generator(settings)
    assert isinstance(generator, PapercutGenerator) and generator.capabilities.name == f"papercut-{memory}-trained"
    assert studio.policy(settings).name == memory
    assert studio.generator(Settings()) is not generator
    assert studio.features(settings).revision == studio.features(Settings()).revision
    refuse_unless_commercial("papercut", generator.capabilities.models, ())


def test_nobody_is_drawn_beside_a_shot_where_words_name_nobody():
    settings = Settings(memory="memento", identity=True)
    with pytest.raises(UsageError, match="cannot draw subjects"):
        Studio().policy(settings)


@pytest.mark.parametrize("memory", BUILT_IN)
def test_they_choose_and_what_they_show_is_heeded(memory):
    generator = create_generator(f"papercut-{memory}", steps=1, guidance=1.0)
    size = generator.capabilities.native_size
    pictures = tuple(np.random.default_rng(0).integers(0, 256, (2, size.height, size.width, 3), dtype=np.uint8))
    told = Recollection(tuple(Candidate(17 * index) for index in range(2)), start=34, show=8)
    alone = GenerationRequest("a cat walks", "scene_cut", 1, size, 1)
    shown = generator.generate(replace(alone, memory=pictures, recollection=told))
    assert [sorted(chosen) for chosen in shown.chosen.values()][:1] == [[0, 1]]
    assert not np.array_equal(shown.frames, generator.generate(alone).frames)


def test_they_are_rows_of_the_benchmark():
    opener = PapercutOpener(("none", *BUILT_IN), pictures=True)
    assert opener.untrained == ("none",)
    assert [row.name for row in opener.open()[1]][:3] == ["none", *BUILT_IN]


def test_other_weights_of_papercut_have_no_such_memory():
    for memory in ONLY_OFFER:
        with pytest.raises(UsageError, match="use --generator papercut without a folder, wan"):
            check_memory_fits(memory, create_generator("papercut").capabilities)


def test_a_row_of_ones_own_has_a_name_of_its_own():
    own = TrainedRow("memento", built_in_memory("memento"))
    with pytest.raises(UsageError, match="row of this name already"):
        PapercutOpener(("memento",), (own,), pictures=True).open()
    mine = replace(own, name="mine")
    rows = PapercutOpener(("memento",), (mine,), pictures=True).open()[1]
    assert [row.name for row in rows][:2] == ["memento", "mine"]
