"""How moto is put right: by replacing its methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Replace = Callable[[Any, str, Any], None]


def replace(owner: Any, name: str, method: Any) -> None:
    if not hasattr(owner, name):
        raise RuntimeError(f"moto has no {owner.__name__}.{name} any more: look at what replaces it here")
    setattr(owner, name, method)
