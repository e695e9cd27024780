"""CLIP features of pictures and sentences, from any open_clip model: papercut's own, or OpenAI's ViT-B/32.

Importing this loads no torch; the model is read at the first picture or sentence. Knows nothing of takes, subjects,
memory or thresholds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from filmagent.artifacts import sha256_of_array, sha256_of_file
from filmagent.errors import ModelFilesError
from filmagent.schemas.take import ModelUse
from filmagent.scoring.colours import ColourFeatures
from filmagent.scoring.port import Picture

Embeddings = NDArray[np.float32]
"""Rows of length one, shape (items, dimensions)."""
Item = TypeVar("Item")

PAPERCUT_FOLDER = Path(__file__).parents[1] / "generation" / "papercut" / "weights" / "clip"
BATCH = 32
REMEMBERED = 8192
"""Embeddings kept by one model; the one used longest ago goes first."""


class ImageFeatures(Protocol):
    """Turns pictures and sentences into unit vectors that can be compared with each other."""

    @property
    def revision(self) -> str:
        """What identifies the weights."""
        ...

    @property
    def logit_scale(self) -> float:
        """Inverse temperature: cosines times this are the logits that the model was trained with."""
        ...

    def uses(self) -> tuple[ModelUse, ...]:
        """The model that takes part, for the manifest; empty when there is none."""
        ...

    def load(self) -> None:
        """Read the weights now, if they are not here yet. Raises ModelFilesError."""
        ...

    def embed(self, images: Sequence[Picture]) -> Embeddings:
        """Embed pictures of any size. Raises ModelFilesError."""
        ...

    def embed_text(self, texts: Sequence[str]) -> Embeddings:
        """Embed sentences. Raises ModelFilesError."""
        ...

    def knows(self, text: str) -> bool:
        """Whether every word of a text is in the model's vocabulary. Raises ModelFilesError."""
        ...


@dataclass(frozen=True)
class ClipSource:
    """Where a model's weights come from."""

    model: str
    """open_clip's name of the architecture, such as `ViT-B-32-quickgelu`; or empty when `folder` is given."""
    weights: str = ""
    """open_clip's tag, such as `openai` (fetched once, then cached), or the path of a weights file."""
    folder: Path | None = None
    """A folder with `open_clip_config.json` and `open_clip_model.safetensors`."""
    licence: str = "MIT"


WEIGHTS_FILE = "open_clip_model.safetensors"
STORYMEM_CLIP = ClipSource(model="ViT-B-32-quickgelu", weights="openai")
"""The model of StoryMem's keyframe rule, whose threshold of 0.9 is meant for it."""
PAPERCUT_CLIP = ClipSource(model="", folder=PAPERCUT_FOLDER, licence="Apache-2.0")
SOURCES: Mapping[str, ClipSource] = {"papercut": PAPERCUT_CLIP, "wan2.2": STORYMEM_CLIP, "wan": STORYMEM_CLIP}
"""Family of generators -> the CLIP model that sees their pictures best."""


def features_for(generator: str) -> ImageFeatures:
    """Return the features that see this generator's pictures best. Cheap: nothing is loaded yet.

    Args:
        generator: its name, or `NAME:FOLDER`; what stands before its first dash is its family, a memory that was
            trained on a base (`papercut-storymem-trained`) is seen as its base is. Weights of papercut that have a CLIP
            model of their own beside them, in FOLDER/clip, are seen by that one: it was trained on their world. A
            generator of no family in `SOURCES` gets `ColourFeatures`: weights are never fetched for somebody's own.
    """
    name, _, folder = generator.partition(":")
    own = Path(folder) / "clip"
    if name == "papercut" and folder and (own / WEIGHTS_FILE).is_file():
        return OpenClipFeatures(replace(SOURCES[name], folder=own))
    source = SOURCES.get(name.partition("-")[0])
    return ColourFeatures() if source is None else OpenClipFeatures(source)


class OpenClipFeatures:
    """An open_clip model, read when first needed. Results are remembered by content; safe to share between threads."""

    def __init__(self, source: ClipSource, device: str = "cpu") -> None:
        self._source = source
        self._device = device
        self._lock = threading.RLock()
        self._loaded: _Loaded | None = None
        self._remembered: OrderedDict[Hashable, NDArray[np.float32]] = OrderedDict()
        self._known: dict[str, bool] = {}

    @property
    def revision(self) -> str:
        """Hash of the weights file; for weights that open_clip fetches, their published name."""
        if self._source.folder is not None:
            return sha256_of_file(self._source.folder / WEIGHTS_FILE)[:16]
        weights = Path(self._source.weights)
        return sha256_of_file(weights)[:16] if weights.is_file() else f"{self._source.model}/{self._source.weights}"

    def uses(self) -> tuple[ModelUse, ...]:
        """This model, for the manifest."""
        name = self._source.model or "papercut CLIP"
        return (ModelUse(name=name, revision=self.revision, licence=self._source.licence, role="memory and critic"),)

    @property
    def logit_scale(self) -> float:
        """Inverse temperature that the model was trained with."""
        return self._model().logit_scale

    def load(self) -> None:
        """Read the weights now; those that open_clip fetches come now, too. Raises ModelFilesError."""
        self._model()

    def embed(self, images: Sequence[Picture]) -> Embeddings:
        """Embed RGB pictures of any size, each squashed to the model's square."""
        return self._embed(images, [sha256_of_array(image) for image in images], lambda model: model.embed_pictures)

    def embed_text(self, texts: Sequence[str]) -> Embeddings:
        """Embed sentences; those longer than the model's context are cut."""
        return self._embed(texts, [("text", text) for text in texts], lambda model: model.embed_sentences)

    def knows(self, text: str) -> bool:
        """Whether every word is in the vocabulary; True for models that spell unknown words from pieces."""
        with self._lock:
            # Asked of the same few hundred words at every take; to cut one into tokens takes a millisecond.
            if text not in self._known:
                self._known[text] = self._model().knows(text)
            return self._known[text]

    def _embed(self, items: Sequence[Item], keys: Sequence[Hashable],
               how: Callable[[_Loaded], Callable[[list[Item]], NDArray[np.float32]]]) -> Embeddings:
        with self._lock:
            model = self._model()
            missing = {key: item for key, item in zip(keys, items, strict=True) if key not in self._remembered}
            found: dict[Hashable, NDArray[np.float32]] = {
                key: self._remembered[key] for key in keys if key in self._remembered}
            pending = list(missing)
            for start in range(0, len(pending), BATCH):
                batch = pending[start:start + BATCH]
                found.update(zip(batch, how(model)([missing[key] for key in batch]), strict=True))
            for key in keys:
                self._remembered[key] = found[key]
                self._remembered.move_to_end(key)
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
            if not keys:
                return np.zeros((0, model.dimensions), np.float32)
            return np.stack([found[key] for key in keys])

    def _model(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._source, self._device)
            return self._loaded


@dataclass(frozen=True)
class _Loaded:
    """A model in memory."""

    model: Any
    tokenizer: Any
    device: str
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    dimensions: int
    logit_scale: float
    unknown_token: int | None

    def embed_pictures(self, pictures: list[Picture]) -> NDArray[np.float32]:
        """Squash to the square as StoryMem does: value/255, bilinear, no crop, no antialiasing, clamp, normalise."""
        import torch
        import torch.nn.functional as F

        squashed = []
        for picture in pictures:
            values = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255
            squashed.append(F.interpolate(values, (self.size, self.size), mode="bilinear", align_corners=False))
        mean, std = (torch.tensor(each).view(3, 1, 1) for each in (self.mean, self.std))
        with torch.inference_mode():
            ready = (torch.cat(squashed).clamp(0, 1) - mean) / std
            return self._unit(self.model.encode_image(ready.to(self.device)))

    def embed_sentences(self, texts: list[str]) -> NDArray[np.float32]:
        """Read sentences with the model's own tokenizer."""
        import torch

        with torch.inference_mode():
            return self._unit(self.model.encode_text(self.tokenizer(texts).to(self.device)))

    def knows(self, text: str) -> bool:
        """Whether the tokenizer has a token for every word."""
        return self.unknown_token is None or self.unknown_token not in self.tokenizer([text])[0].tolist()

    def _unit(self, rows: Any) -> NDArray[np.float32]:
        import torch.nn.functional as F

        unit: NDArray[np.float32] = F.normalize(rows.float(), dim=-1).cpu().numpy()
        return unit


def _load(source: ClipSource, device: str) -> _Loaded:
    from filmagent.torchvision_shim import declare_missing_operators

    declare_missing_operators()
    import open_clip
    from safetensors import SafetensorError

    name = source.model if source.folder is None else f"local-dir:{source.folder}"
    if source.folder is not None and not (source.folder / WEIGHTS_FILE).is_file():
        raise ModelFilesError(f"no CLIP model in {str(source.folder)!r}: reinstall filmagent, or make one with "
                              "`filmagent train papercut clip`")
    try:
        model = open_clip.create_model(name, pretrained=source.weights or None, require_pretrained=True, device=device)
        tokenizer = open_clip.get_tokenizer(name)
    except (OSError, RuntimeError, ValueError, KeyError, SafetensorError) as error:
        raise ModelFilesError(f"the CLIP model {name!r} {source.weights!r} cannot be loaded: {error}. Check the "
                              "network for the first use, or repair the files") from error
    model.eval()
    how = open_clip.get_model_preprocess_cfg(model)
    size = how["size"] if isinstance(how["size"], int) else how["size"][0]
    words = getattr(tokenizer, "tokenizer", None)
    return _Loaded(model=model, tokenizer=tokenizer, device=device, size=size, mean=tuple(how["mean"]),
                   std=tuple(how["std"]), dimensions=int(model.text_projection.shape[-1]),
                   logit_scale=float(model.logit_scale.detach().exp()),
                   unknown_token=getattr(words, "unk_token_id", None))
