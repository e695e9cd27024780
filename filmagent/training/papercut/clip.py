"""Trains papercut's own CLIP: a small open_clip model that names who is in a papercut picture, and where.

Two lessons at once. Captions and pictures are matched as CLIP does it; every group of a batch holds a picture and
versions of it that differ in one thing each, so that colours and scarves count, not only places. And the questions
that the scorers will ask (`a white cat` or `a black cat`?) are asked of every figure, because captions alone teach
kinds very slowly. Pictures are rendered as training goes on. The folder it leaves is an open_clip `local-dir:`.
Knows nothing of memory, critics or the denoiser.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from filmagent.torchvision_shim import declare_missing_operators
from filmagent.training.papercut import checkpoint
from filmagent.training.papercut.clip_questions import answered, questions, zero_shot_loss
from filmagent.training.papercut.clip_texts import UNKNOWN, Statement, holds, statement, variations, vocabulary
from filmagent.training.papercut.muon import Muon, split_weights
from filmagent.training.papercut.world import ShotScript, render_frames, sample_shot, sample_story

IMAGE_SIZE = 96
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
CONTEXT_LENGTH = 32
FRAMES_OF_A_SHOT = 17
OUTER_LAYERS = ("visual.conv1", "attnpool", "embedding", "text_projection")
MAX_LOGIT_SCALE = 100.0
"""Ceiling of the learned inverse temperature (Radford et al., "Learning Transferable Visual Models", 2021)."""


@dataclass(frozen=True)
class ClipTraining:
    """Everything that decides a CLIP training."""

    minutes: float = 18.0
    seed: int = 1
    groups: int = 32
    """Different shots of a batch."""
    versions: int = 3
    """Pictures made of each: the shot, and copies with one thing changed."""
    pool: int = 200
    """Groups kept rendered; a batch is drawn from them."""
    fresh: int = 5
    """Groups of the pool that are rendered anew at every step."""
    rate: float = 3e-3
    question_weight: float = 1.0
    """Of the questions' loss, beside the captions'."""
    embed_dim: int = 96
    width: int = 16
    """Channels of the residual network's first stage."""
    text_width: int = 64
    text_layers: int = 1


def train_clip(settings: ClipTraining, folder: Path, max_steps: int | None = None) -> Path:
    """Train, or go on training, until the minutes are spent; returns the folder with the finished model.

    `folder` keeps the checkpoint `clip.pt`, the log `clip.jsonl`, and the model in `folder`/clip.
    """
    rng = random.Random(settings.seed)
    torch.manual_seed(settings.seed)
    made = folder / "clip"
    write_description(settings, made)
    model, tokenizer = build_clip(made).to(memory_format=torch.channels_last), _tokenizer(made)
    matrices, rest = split_weights(model, OUTER_LAYERS)
    optimizers = [
        Muon(matrices, settings.rate, decay=0.05),
        torch.optim.AdamW(rest, settings.rate, betas=(0.9, 0.98), weight_decay=0.01),
    ]
    clock = checkpoint.Clock(settings.minutes)
    step = 0
    average: dict[str, float] | None = None
    if state := checkpoint.load(folder / "clip.pt", rng):
        model.load_state_dict(state["model"])
        for optimizer, kept in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        step, average = state["step"], state["average"]
        clock.resume(state["spent"])
    pool = [render_group(settings, random.Random(f"{settings.seed}/{step}/{index}")) for index in range(settings.pool)]
    asked = tokenizer(list(questions()))
    while (share := clock.advance()) < 1 and (max_steps is None or step < max_steps):
        _set_rate(optimizers, settings.rate * (min(1.0, (step + 1) / 100) * (1 - share) ** 0.8 + 0.01))
        for _ in range(settings.fresh):
            pool[rng.randrange(len(pool))] = render_group(settings, rng)
        batch = [shown for group in rng.sample(pool, settings.groups) for shown in group]
        losses = _step(
            model,
            optimizers,
            batch,
            [statement(shown.script, rng) for shown in batch],
            tokenizer,
            asked,
            settings.question_weight,
        )
        average = losses if average is None else {name: 0.98 * average[name] + 0.02 * losses[name] for name in losses}
        step += 1
        if step % 50 == 0:
            _log(
                folder / "clip.jsonl",
                {
                    "step": step,
                    "seconds": round(clock.spent),
                    "scale": round(_scale(model), 2),
                    **{name: round(value, 4) for name, value in average.items()},
                },
            )
        if clock.due():
            _save(folder, model, optimizers, step, average, clock.spent, rng)
    clock.advance()
    _save(folder, model, optimizers, step, average, clock.spent, rng)
    return made


def build_clip(folder: Path) -> nn.Module:
    """An untrained model of the size that `folder`/open_clip_config.json describes."""
    declare_missing_operators()
    import open_clip

    described = json.loads((folder / "open_clip_config.json").read_text(encoding="utf-8"))["model_cfg"]
    model: nn.Module = open_clip.CLIP(
        embed_dim=described["embed_dim"], vision_cfg=described["vision_cfg"], text_cfg=described["text_cfg"]
    )
    return model


def write_description(settings: ClipTraining, folder: Path) -> None:
    """Write everything of an open_clip `local-dir:` but the weights: configuration and word-level tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _word_tokenizer()
    text = {
        "context_length": CONTEXT_LENGTH,
        "vocab_size": tokenizer.get_vocab_size(),
        "hf_tokenizer_name": "papercut",
        "width": settings.text_width,
        "heads": 4,
        "layers": settings.text_layers,
    }
    # A convolutional tower: on few pictures it finds small figures far sooner than patches do.
    vision = {"image_size": IMAGE_SIZE, "layers": [1, 1, 1, 1], "width": settings.width, "head_width": 32}
    preprocess = {
        "size": [IMAGE_SIZE, IMAGE_SIZE],
        "mode": "RGB",
        "mean": list(MEAN),
        "std": list(STD),
        "interpolation": "bilinear",
        "resize_mode": "squash",
    }
    model = {"embed_dim": settings.embed_dim, "vision_cfg": vision, "text_cfg": text}
    _write_json(folder / "open_clip_config.json", {"model_cfg": model, "preprocess_cfg": preprocess})
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


@dataclass(frozen=True)
class Shown:
    """A picture uint8 [96, 160, 3] and the shot that it is a frame of."""

    picture: np.ndarray[Any, np.dtype[np.uint8]]
    script: ShotScript


def render_group(settings: ClipTraining, rng: random.Random) -> list[Shown]:
    """One moment of a shot, and of copies of the shot with one thing changed."""
    script = sample_shot(rng, sample_story(rng))
    moment = rng.randrange(FRAMES_OF_A_SHOT)
    versions = (script, *variations(script, rng, settings.versions - 1))
    return [Shown(render_frames(version, [moment]).frames[0], version) for version in versions]


def augment(pictures: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
    """Pictures as the model's input [B, 3, 96, 96]: a random cut, light and contrast changed a little, and half of
    them softened and grained as a video decoder softens and grains them."""
    count = len(pictures)
    values = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    zoom = 1 - 0.15 * torch.rand(count, 1)
    shift = (torch.rand(count, 2) * 2 - 1) * (1 - zoom)
    affine = torch.zeros(count, 2, 3)
    affine[:, 0, 0], affine[:, 1, 1], affine[:, :, 2] = zoom[:, 0], zoom[:, 0], shift
    grid = F.affine_grid(affine, [count, 3, IMAGE_SIZE, IMAGE_SIZE], align_corners=False)
    cut = F.grid_sample(values, grid, mode="bilinear", padding_mode="border", align_corners=False)
    small = F.interpolate(cut, scale_factor=float(torch.empty(1).uniform_(0.35, 0.8)), mode="area")
    soft = F.interpolate(small, size=cut.shape[-2:], mode="bilinear")
    cut = torch.where(torch.rand(count, 1, 1, 1) < 0.5, soft, cut)
    cut = cut * (1 + 0.12 * (torch.rand(count, 1, 1, 1) - 0.5)) + 0.08 * (torch.rand(count, 3, 1, 1) - 0.5)
    cut = cut + 0.07 * torch.rand(count, 1, 1, 1) * (torch.rand(cut.shape[1:]) * 2 - 1)
    return (cut.clamp(0, 1) - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def contrastive_loss(images: Tensor, texts: Tensor, truth: Tensor, scale: Tensor) -> Tensor:
    """CLIP's symmetric cross-entropy with every true pair as a target, not only the diagonal.

    Args:
        images: unit rows [B, D].
        texts: unit rows [T, D].
        truth: bool [B, T]; every row and column holds at least one True.
        scale: inverse temperature.
    """
    logits = scale * images @ texts.T
    by_image = truth / truth.sum(1, keepdim=True)
    by_text = truth / truth.sum(0, keepdim=True)
    return -0.5 * ((by_image * logits.log_softmax(1)).sum(1).mean() + (by_text * logits.log_softmax(0)).sum(0).mean())


def _step(
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    batch: Sequence[Shown],
    said: Sequence[Statement],
    tokenizer: Any,
    asked: Tensor,
    question_weight: float,
) -> dict[str, float]:
    images = augment(np.stack([shown.picture for shown in batch])).contiguous(memory_format=torch.channels_last)
    tokens = torch.cat([tokenizer([each.text for each in said]), asked])
    truth = torch.tensor([[holds(each, shown.script) for each in said] for shown in batch])
    # PyTorch's fused attention is written for long sequences: on a CPU its backward takes most of a step here.
    with torch.autocast("cpu", dtype=torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
        seen, read = model.encode_image(images), model.encode_text(tokens)  # type: ignore[operator]
    seen, read = F.normalize(seen.float(), dim=-1), F.normalize(read.float(), dim=-1)
    scale = model.logit_scale.exp()  # type: ignore[operator]
    captions = contrastive_loss(seen, read[: len(said)], truth, scale)
    asking = zero_shot_loss(scale * seen @ read[len(said) :].T, answered([shown.script for shown in batch]))
    loss = captions + question_weight * asking
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
    with torch.no_grad():
        model.logit_scale.clamp_(max=float(np.log(MAX_LOGIT_SCALE)))  # type: ignore[operator]
    return {"captions": float(captions.detach()), "questions": float(asking.detach())}


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


def _tokenizer(folder: Path) -> Any:
    import open_clip

    return open_clip.get_tokenizer(f"local-dir:{folder}")


def _scale(model: nn.Module) -> float:
    """The learned inverse temperature."""
    return float(model.logit_scale.detach().exp())  # type: ignore[operator]


def _set_rate(optimizers: Sequence[torch.optim.Optimizer], rate: float) -> None:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate


def _log(path: Path, line: dict[str, float]) -> None:
    with path.open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _save(
    folder: Path,
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    step: int,
    average: dict[str, float] | None,
    spent: float,
    rng: random.Random,
) -> None:
    """The whole training in clip.pt, and the weights alone, in half precision, beside their description."""
    from safetensors.torch import save_file

    kept = [optimizer.state_dict() for optimizer in optimizers]
    state = {"model": model.state_dict(), "optimizers": kept, "step": step, "average": average, "spent": spent}
    checkpoint.save(folder / "clip.pt", state, rng)
    weights = folder / "clip" / "open_clip_model.safetensors"
    beside = weights.with_name(weights.name + ".part")
    halves = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    save_file({name: value.contiguous() for name, value in halves.items()}, beside)
    beside.replace(weights)
