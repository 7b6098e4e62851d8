"""Tell whether the faces in a video or picture are manipulated."""

__version__ = "0.1.0"
