"""Where the files lie in a model folder of Wan2.2's own format, and how such a folder is told from diffusers'.

    FOLDER/high_noise_model/, low_noise_model/    the two experts: config.json and sharded safetensors
    FOLDER/models_t5_umt5-xxl-enc-bf16.pth        the text encoder
    FOLDER/Wan2.1_VAE.pth                         the VAE
    FOLDER/google/umt5-xxl/                       the tokenizer

Source: wan/configs/wan_i2v_A14B.py and wan_t2v_A14B.py of github.com/Wan-Video/Wan2.2. Opens no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from filmagent.errors import ModelFilesError

EXPERTS: Mapping[str, str] = {"transformer": "high_noise_model", "transformer_2": "low_noise_model"}
"""diffusers' name of an expert -> its folder."""
FILES: Mapping[str, str] = {"text_encoder": "models_t5_umt5-xxl-enc-bf16.pth", "vae": "Wan2.1_VAE.pth"}
"""diffusers' name of a part -> its file."""
TOKENIZER = "google/umt5-xxl"
STOCK_PARTS = ("transformer", "transformer_2", "text_encoder", "vae")


def is_original(folder: Path) -> bool:
    """Tell whether a folder is in Wan's own format; one that does not exist, or is empty, is not.

    Raises:
        ModelFilesError: it holds files of both formats.
    """
    own = [name for name in (*EXPERTS.values(), *FILES.values()) if (folder / name).exists()]
    stock = [name for name in STOCK_PARTS if (folder / name).exists()]
    if own and stock:
        raise ModelFilesError(
            f"{str(folder)!r} holds {own[0]!r} of Wan's own format and {stock[0]!r} of diffusers': "
            "put the two models into two folders"
        )
    return bool(own)


def home_of(folder: Path, part: str) -> Path:
    """Return what holds the weights of a part: an expert's folder, or the file of another part."""
    return folder / (EXPERTS[part] if part in EXPERTS else FILES[part])
