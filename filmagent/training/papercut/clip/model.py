"""The shape of papercut's CLIP on disk and in memory: an open_clip `local-dir:` of toy size. Trains nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from filmagent.torchvision_shim import declare_missing_operators
from filmagent.training.papercut.clip.texts import UNKNOWN, vocabulary

IMAGE_SIZE = 160
"""Pixels of a side. With 96 a figure at the back of a wide shot was a dozen pixels wide, and kinds were not learned."""
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
CONTEXT_LENGTH = 72
CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"


@dataclass(frozen=True)
class ClipSize:
    """How large a model is."""

    embed_dim: int = 192
    width: int = 24
    """Channels of the residual network's first stage."""
    text_width: int = 64
    text_layers: int = 1


def write_description(size: ClipSize, folder: Path) -> None:
    """Write everything of an open_clip `local-dir:` but the weights: configuration and word-level tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _word_tokenizer()
    text = {
        "context_length": CONTEXT_LENGTH,
        "vocab_size": tokenizer.get_vocab_size(),
        "hf_tokenizer_name": "papercut",
        "width": size.text_width,
        "heads": 4,
        "layers": size.text_layers,
    }
    # A convolutional tower: on few pictures it finds small figures far sooner than patches do.
    vision = {"image_size": IMAGE_SIZE, "layers": [1, 1, 1, 1], "width": size.width, "head_width": 32}
    preprocess = {
        "size": [IMAGE_SIZE, IMAGE_SIZE],
        "mode": "RGB",
        "mean": list(MEAN),
        "std": list(STD),
        "interpolation": "bilinear",
        "resize_mode": "squash",
    }
    model = {"embed_dim": size.embed_dim, "vision_cfg": vision, "text_cfg": text}
    _write_json(folder / CONFIG, {"model_cfg": model, "preprocess_cfg": preprocess})
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": CONTEXT_LENGTH,
            "pad_token": "[PAD]",
            "unk_token": UNKNOWN,
            "bos_token": "[BOS]",
            "eos_token": "[EOS]",
        },
    )


def build_clip(folder: Path) -> Any:
    """An untrained model of the size that the folder describes."""
    declare_missing_operators()
    import open_clip

    described = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["model_cfg"]
    return open_clip.CLIP(
        embed_dim=described["embed_dim"], vision_cfg=described["vision_cfg"], text_cfg=described["text_cfg"]
    )


def read_sentences(model: Any, tokens: Tensor) -> Tensor:
    """What open_clip's `encode_text` makes of tokens [B, context], [B, embed_dim], in the time of the longest sentence.

    Words look back only, so what follows a sentence's end does not change it.
    """
    # The end has the largest number, and padding the smallest.
    longest = int(tokens.argmax(dim=1).max()) + 1
    short = tokens[:, :longest]
    words = model.token_embedding(short) + model.positional_embedding[:longest]
    words = model.ln_final(model.transformer(words, attn_mask=model.attn_mask[:longest, :longest]))
    ends = words[torch.arange(len(short), device=short.device), short.argmax(dim=1)]
    said: Tensor = ends @ model.text_projection
    return said


def tokenizer_of(folder: Path) -> Any:
    """The tokenizer that the folder describes, as open_clip reads it."""
    import open_clip

    return open_clip.get_tokenizer(f"local-dir:{folder}")


def write_weights(model: nn.Module, folder: Path) -> None:
    """Write the weights in half precision beside their description; a reader never sees half a file."""
    from safetensors.torch import save_file

    state = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    beside = folder / f"{WEIGHTS}.part"
    save_file({name: value.contiguous() for name, value in state.items()}, beside)
    beside.replace(folder / WEIGHTS)


def _word_tokenizer() -> Any:
    """Words to numbers; [EOS] has the largest number, where open_clip's text tower reads the sentence's meaning."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    numbers = {word: index for index, word in enumerate(("[PAD]", UNKNOWN, "[BOS]", *vocabulary(), "[EOS]"))}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token=UNKNOWN))
    tokenizer.add_special_tokens(["[PAD]", UNKNOWN, "[BOS]", "[EOS]"])
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("removed")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[BOS] $A [EOS]", special_tokens=[("[BOS]", numbers["[BOS]"]), ("[EOS]", numbers["[EOS]"])]
    )
    return tokenizer


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
