"""Stage 5 of 5: frames of a chunk become an MP4 while later frames are still being drawn.

Knows nothing of cameras or engines. Memory does not grow with the number of frames. The
segments of a film are put together by `join.py`.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation

from lyra_zoom.geometry.image import RgbImage, Size

QUEUE_FRAMES = 6
"""Frames that may wait for the encoder; at 720p each holds 2.8 MB."""

X264_THREADS = 2
"""Fixed, because x264's bytes depend on how many threads it has."""

KEYFRAME_EVERY_S = 2
"""Seconds between pictures that a player can jump to."""

EXACT_AVERAGE = (
    Interpolation.AREA
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)
"""Colour of 2x2 pixels averaged; every plane within rounding of the BT.709 formula."""

OPENCV_CPU_AVX2 = 11
"""`CPU_AVX2` of OpenCV's `CpuFeatures`, which its Python module does not name."""

X264_PARAMS: dict[str, object] = {
    "mbtree": 0,  # with it, x264's AVX-512 code gives different bytes from run to run
    "scenecut": 0,  # a camera move has no cuts
    "open-gop": 0,
}


class Mp4Writer:
    """Writes `num_frames` frames into the file `target`: H.264 High, 4:2:0, BT.709.

    Use as a context manager; leaving it by an error leaves a file that is not whole.
    """

    def __init__(
        self, target: Path, size: Size, frames_per_second: int, num_frames: int
    ) -> None:
        self._rate = frames_per_second
        self._container = av.open(
            str(target), "w", format="mp4", options=mp4_clocks(frames_per_second)
        )
        self._stream = self._container.add_stream(
            "libx264",
            rate=frames_per_second,
            options=_x264_options(_keyframe_interval(frames_per_second, num_frames)),
        )
        self._stream.width, self._stream.height = size.width, size.height
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = Fraction(1, frames_per_second)
        context = self._stream.codec_context
        context.thread_count = X264_THREADS
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        context.colorspace = Colorspace.ITU709
        context.color_range = ColorRange.MPEG
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self._waiting: deque[Future[None]] = deque()
        self._num_written = 0
        self._is_broken = False

    def write(self, frame: RgbImage) -> None:
        """Queue one frame; the array may be reused as soon as this returns."""
        picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
        picture.pts = self._num_written
        picture.time_base = Fraction(1, self._rate)
        self._num_written += 1
        self._waiting.append(self._encoder.submit(self._encode, picture))
        if len(self._waiting) > QUEUE_FRAMES:
            self._waiting.popleft().result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._encoder.shutdown(cancel_futures=True)
            self._container.close()

    def _finish(self) -> None:
        while self._waiting:
            self._waiting.popleft().result()
        self._container.mux(self._stream.encode(None))

    def _encode(self, picture: av.VideoFrame) -> None:
        """Encode and write; after a disk was full, writing again would crash the process."""
        if self._is_broken:
            return
        try:
            self._container.mux(self._stream.encode(_to_bt709(picture)))
        except OSError:
            self._is_broken = True
            raise


def _to_bt709(picture: av.VideoFrame) -> av.VideoFrame:
    """The same picture in limited-range BT.709 4:2:0."""
    return picture.reformat(
        format="yuv420p",
        src_color_range=ColorRange.JPEG,
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        dst_color_trc=ColorTrc.BT709,
        dst_color_primaries=ColorPrimaries.BT709,
        interpolation=EXACT_AVERAGE,
        threads=1,
    )


def _keyframe_interval(frames_per_second: int, num_frames: int) -> int:
    """Frames from one keyframe to the next, such that the last frame is none.

    The next segment begins with one, and H.264 wants neighbouring ones to carry different
    numbers, which two encoders cannot agree upon.
    """
    interval = frames_per_second * KEYFRAME_EVERY_S
    return interval - 1 if num_frames % interval == 1 else interval


def _x264_options(keyint: int) -> dict[str, str]:
    params = {**X264_PARAMS, "keyint": keyint, "min-keyint": keyint}
    if cv2.checkHardwareSupport(OPENCV_CPU_AVX2):
        params["asm"] = "avx2"  # one code path, so that processors with more agree
    return {
        "preset": "veryfast",
        "crf": "18",
        "profile": "high",
        "x264-params": ":".join(f"{name}={value}" for name, value in params.items()),
    }


def mp4_clocks(frames_per_second: int) -> dict[str, str]:
    """Options of the container: clocks in which every frame begins at a whole number."""
    ticks = str(frames_per_second * 1000)
    return {"movie_timescale": ticks, "video_track_timescale": ticks}
