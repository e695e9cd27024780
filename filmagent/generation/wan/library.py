"""What Wan's generators and papercut's training use of diffusers and transformers, beside any build of torchvision.

The one place that imports them: both import torchvision when it is installed, and a torchvision that
does not fit torch would take them down (see `filmagent.torchvision_shim`).
"""

# ruff: noqa: E402  the operators must be declared before the imports that need them
from __future__ import annotations

from filmagent.torchvision_shim import declare_missing_operators

declare_missing_operators()

from diffusers import (
    AutoencoderKLWan,
    FlowMatchEulerDiscreteScheduler,
    ModelMixin,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanTransformer3DModel,
)
from diffusers.hooks import FirstBlockCacheConfig, HookRegistry, MagCacheConfig
from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers
from diffusers.models.activations import GELU
from diffusers.models.attention_dispatch import dispatch_attention_fn
from diffusers.models.autoencoders.autoencoder_kl_wan import patchify, unpatchify
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from diffusers.models.transformers.transformer_wan import WanAttnProcessor, WanRotaryPosEmbed
from diffusers.utils.torch_utils import get_module_execution_device, randn_tensor
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

__all__ = [
    "GELU", "AutoTokenizer", "AutoencoderKLWan", "FirstBlockCacheConfig", "FlowMatchEulerDiscreteScheduler",
    "HookRegistry", "MagCacheConfig", "ModelMixin", "PreTrainedModel", "PreTrainedTokenizerFast",
    "Transformer2DModelOutput", "UMT5Config", "UMT5EncoderModel", "UniPCMultistepScheduler", "WanAttnProcessor",
    "WanImageToVideoPipeline", "WanRotaryPosEmbed", "WanTransformer3DModel", "convert_wan_transformer_to_diffusers",
    "dispatch_attention_fn", "get_module_execution_device", "patchify", "randn_tensor", "unpatchify",
]
