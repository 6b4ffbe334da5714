"""Where the tensors of an exercise may live on this machine; torch is imported only to ask it."""

from __future__ import annotations

from pathlib import Path

from dlgrade.errors import UsageError

_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""What a machine with a GPU that torch may use has, whatever torch says: asked before torch is there."""


def may_have_cuda() -> bool:
    """Whether it is worth asking torch for a GPU."""
    return any(Path(driver).exists() for driver in _DRIVERS)


def absent(device: str) -> str:
    """Why a device cannot be used here; empty if it can."""
    if device == "cpu":
        return ""
    import torch

    if device == "mps":
        return "" if torch.backends.mps.is_available() else "torch finds no GPU of Apple's here"
    if torch.cuda.is_available():
        return ""
    return "this torch was built without CUDA" if torch.version.cuda is None else "no GPU can be used here"


def chosen(wanted: str) -> str:
    """The device that `auto` stands for, or the one that is wanted.

    Raises:
        UsageError: if it cannot be used here.
    """
    if wanted == "auto":
        return "cuda" if may_have_cuda() and not absent("cuda") else "cpu"
    why = absent(wanted)
    if why:
        raise UsageError(f"The device {wanted} cannot be used: {why}.", where="--device", mend="--device cpu")
    return wanted
