"""Know of each packet, before it is decoded, for how long its frame will be on screen."""

from collections import deque
from collections.abc import Iterator

from av.packet import Packet
from av.video.stream import VideoStream

_AHEAD = 16  # packets; H.264 never stores a frame earlier than by so many others shown after it


def with_ends(packets: Iterator["Packet[VideoStream]"]) -> Iterator[tuple["Packet[VideoStream]", int | None]]:
    """Read ahead in a stream, to tell when each frame gives way to the next one in time.

    Args:
        packets: In the order of decoding.

    Yields:
        Each packet, and the time of the next frame in ticks; never one too early. None where it is not known:
        at the end, and near packets without a time.
    """
    waiting: deque[Packet[VideoStream]] = deque()
    times: deque[int | None] = deque(maxlen=2 * _AHEAD + 1)  # of the last ones given and of those that wait
    for packet in packets:
        waiting.append(packet)
        times.append(packet.pts)
        if len(waiting) > _AHEAD:
            first = waiting.popleft()
            yield first, _end(first.pts, times)
    while waiting:
        first = waiting.popleft()
        yield first, _end(first.pts, times)


def _end(time: int | None, times: deque[int | None]) -> int | None:
    if time is None or None in times:
        return None
    return min((other for other in times if other is not None and other > time), default=None)
