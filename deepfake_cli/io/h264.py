"""Send single pictures through a real H.264 encoder, in memory."""

from fractions import Fraction

import av
import cv2
import numpy as np
from av.codec import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from deepfake_cli.errors import MediaError

_PRESET = "medium"  # x264's own choice


def through_h264(image: NDArray[np.uint8], crf: int) -> NDArray[np.uint8]:
    """Compress a picture as x264 compresses the key frame of a video, and decode it again.

    Colours go through 4:2:0 of BT.601, as those of small videos do. One thread: the same picture gives the
    same result everywhere.

    Args:
        image: (H, W, 3) uint8 RGB; odd sizes grow by a repeated row or column while they are encoded.
        crf: x264's constant rate factor; 0 (lossless) to 51.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        MediaError: FFmpeg refuses.
    """
    height, width = image.shape[:2]
    # x264 takes nothing smaller than a block of 16 pixels.
    down, right = max(height + height % 2, 16) - height, max(width + width % 2, 16) - width
    padded = cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_REPLICATE)
    try:
        decoded = _decode(_encode(np.asarray(padded, np.uint8), crf))
    except av.error.FFmpegError as error:
        raise MediaError(f"cannot be encoded as H.264: {error.strerror}") from error
    return np.ascontiguousarray(decoded[:height, :width])


def _encode(image: NDArray[np.uint8], crf: int) -> "list[Packet[VideoStream]]":
    encoder = CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.height, encoder.width = image.shape[:2]
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.options = {"crf": str(crf), "preset": _PRESET, "bf": "0", "threads": "1"}
    frame = VideoReformatter().reformat(
        VideoFrame.from_ndarray(image, format="rgb24"),
        format="yuv420p",
        dst_colorspace=Colorspace.ITU601,
        dst_color_range=ColorRange.MPEG,
        threads=1,
    )
    frame.pts = 0
    return [*encoder.encode(frame), *encoder.encode(None)]


def _decode(packets: "list[Packet[VideoStream]]") -> NDArray[np.uint8]:
    decoder = CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    rgb = VideoReformatter().reformat(
        frames[0],
        format="rgb24",
        src_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.MPEG,
        threads=1,
    )
    return np.asarray(rgb.to_ndarray(), np.uint8)
