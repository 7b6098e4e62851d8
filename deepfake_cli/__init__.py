"""Tell whether the faces in a video or picture are manipulated."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pipeline.scan import scan

__all__ = ["__version__", "scan"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load ``scan`` when it is asked for: importing a part of the package must not load everything."""
    if name != "scan":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .pipeline.scan import scan

    return scan
