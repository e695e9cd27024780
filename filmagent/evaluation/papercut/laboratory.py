"""Opens papercut's laboratory from what a person names: in this process, or in every process of a crew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filmagent.errors import UsageError
from filmagent.evaluation.papercut.film import Laboratory
from filmagent.evaluation.papercut.rows import Row, chosen_rows
from filmagent.evaluation.papercut.trained_rows import TrainedRow, open_trained_row
from filmagent.generation.papercut.generator import papercut_config, weights_folder
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.trained.built_in import built_in_memory
from filmagent.generation.trained.names import BUILT_IN
from filmagent.scoring.clip import ClipSource, OpenClipFeatures
from filmagent.training.papercut.probe.reader import TrainedProbe


@dataclass(frozen=True)
class PapercutOpener:
    """What a person names."""

    policies: tuple[str, ...]
    """Names of `POLICY_ROWS`, and of the memories in the package."""
    trained: tuple[TrainedRow, ...] = ()
    weights: Path | None = None
    """A folder of papercut's weights, with its CLIP model in `clip`; None: those of the package."""
    probe: Path | None = None
    """A folder with a probe; None: that of the package."""
    pictures: bool = False
    """Make only the first picture of every shot."""

    def open(self) -> tuple[Laboratory, Sequence[Row]]:
        """Laboratory and rows. Raises UsageError, ModelFilesError."""
        rows = chosen_rows(self.untrained, self.trained_rows())
        return open_laboratory(self.weights, self.probe, pictures=self.pictures), rows

    @property
    def untrained(self) -> tuple[str, ...]:
        """The policies that papercut films without weights of their own."""
        return tuple(name for name in self.policies if name not in BUILT_IN)

    def trained_rows(self) -> tuple[Row, ...]:
        """The rows of trained memories, the package's first. Raises UsageError, ModelFilesError."""
        built_in = [TrainedRow(name, built_in_memory(name)) for name in self.policies if name in BUILT_IN]
        return tuple(open_trained_row(each, self.weights) for each in (*built_in, *self.trained))


def open_laboratory(weights: Path | None = None, probe: Path | None = None, *, pictures: bool = False) -> Laboratory:
    """The laboratory of papercut; weights load with the first shot, the probe at once.

    Args:
        weights: a folder of papercut's weights, with its CLIP model in `clip`; None: those of the package.
        probe: a folder with a probe; None: that of the package.
        pictures: make only the first picture of every shot.

    Raises:
        UsageError: `weights` is no folder.
        ModelFilesError: there is no probe.
    """
    if weights is not None and not weights.is_dir():
        raise UsageError(
            f"--weights {str(weights)!r} is no folder; give one that `filmagent train papercut export` wrote"
        )
    features = OpenClipFeatures(ClipSource(model="", folder=(weights or weights_folder()) / "clip"))
    generator = PapercutGenerator(papercut_config(weights))
    return Laboratory(generator=generator, features=features, probe=TrainedProbe(probe), pictures=pictures)
