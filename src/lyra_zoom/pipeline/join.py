"""The segments of a film become one file: their pictures are copied, none is encoded again.

Knows nothing of cameras or engines, and holds one picture at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av import Packet

from lyra_zoom.errors import ChunksDiffer
from lyra_zoom.pipeline.encode import mp4_clocks


def join_film(target: Path, segments: Sequence[Path], tags: Mapping[str, str]) -> None:
    """Write the film of these segments, in their order, with `tags` and the index first.

    Segments that were not encoded alike raise `ChunksDiffer`. An error leaves a file that is
    not whole: see `whole_file`.
    """
    with av.open(str(segments[0])) as first:
        like = first.streams.video[0]
        rate = int(like.average_rate or 0)
        header = like.codec_context.extradata
        with av.open(str(target), "w", format="mp4", options=_options(rate)) as film:
            film.metadata.update(tags)
            stream = film.add_stream_from_template(like)
            stream.time_base = Fraction(1, rate)
            delay = max(_reordering_delay(segment, rate) for segment in segments)
            start = num_packets = 0
            for segment in segments:
                for packet in _packets(segment, rate, header):
                    packet.stream = stream
                    packet.pts = start + (packet.pts or 0)
                    packet.dts = num_packets - delay
                    film.mux_one(packet)
                    num_packets += 1
                start = num_packets


def _options(rate: int) -> dict[str, str]:
    """The index first; and no word on bits per second, which would be the first segment's."""
    return {"movflags": "+faststart", "write_btrt": "0", **mp4_clocks(rate)}


def _packets(segment: Path, rate: int, header: bytes | None) -> Iterator[Packet]:  # type: ignore[type-arg]  # only type checkers can subscript it
    """The packets of a segment in decoding order, with times in frames from its start."""
    with av.open(str(segment)) as container:
        stream = container.streams.video[0]
        if stream.codec_context.extradata != header or stream.average_rate != rate:
            raise ChunksDiffer(f"{segment.name} was encoded unlike the chunks before it")
        tick = (stream.time_base or Fraction(1)) * rate
        for packet in container.demux(stream):
            if packet.pts is None or packet.dts is None:
                continue  # the demuxer's word that the end is reached
            packet.pts, packet.dts = int(packet.pts * tick), int(packet.dts * tick)
            packet.duration, packet.time_base = 1, Fraction(1, rate)
            yield packet


def _reordering_delay(segment: Path, rate: int) -> int:
    """How many pictures the decoder reads before it shows the first; 0 for a single one."""
    with av.open(str(segment)) as container:
        stream = container.streams.video[0]
        first = next(container.demux(stream))
        return -int((first.dts or 0) * (stream.time_base or Fraction(1)) * rate)
