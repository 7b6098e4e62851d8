"""Decode a video and do nothing with it: what any program that looks at it has to pay.

usage: python benchmarks/decode_only.py VIDEO
"""

import sys

import av


def main() -> None:
    """Decode every frame, with as many threads as there are cores."""
    frames = 0
    with av.open(sys.argv[1]) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for _ in container.decode(stream):
            frames += 1
    print(f"{frames} frames")


if __name__ == "__main__":
    main()
