"""Where training runs: the device, its precision, and the processes that share the work."""

from typing import Literal

import torch
from lightning_fabric import Fabric

from .memory import keep_memory
from .processes import count, count_here

Precision = Literal["auto", "32-true", "bf16-mixed"]


def open_fabric(precision: Precision, accelerator: str = "auto") -> Fabric:
    """Take one device, or as many processes as ``torchrun`` has started.

    Args:
        precision: ``auto`` is mixed where the device computes bfloat16 fast, else float32.
        accelerator: Kind of device, or ``auto`` for the best there is.
    """
    if precision == "auto":
        precision = "bf16-mixed" if _has_fast_bfloat16(accelerator) else "32-true"
    fabric = Fabric(
        accelerator=accelerator,
        devices=count_here(),
        num_nodes=count() // count_here(),
        strategy="ddp" if count() > 1 else "auto",
        precision=precision,
    )
    fabric.launch()
    if fabric.device.type == "cpu":
        keep_memory()
    return fabric


def _has_fast_bfloat16(accelerator: str) -> bool:
    if accelerator in ("auto", "cuda") and torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Processors without the instructions take ten times as long as in float32.
    return accelerator in ("auto", "cpu") and bool(torch.cpu.get_capabilities().get("avx512_bf16"))
