"""Vector instructions that numba does not find by itself.

Written in LLVM's own terms, with a fixed order of operations: every processor gives the same
bits, whatever the width of its registers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

CHANNELS = 4


# In an intrinsic parameters stand for types while numba compiles: nothing to annotate.
# ruff: noqa: ANN001, ANN202, ANN401, PLR0913
# mypy: disable-error-code="no-untyped-def, no-untyped-call"


def blend(taps: int) -> Any:
    """A kernel function: the weighted sum of `taps` x `taps` RGBA texels, as four float32.

    Its arguments: `texels` (flat uint8), index of the first byte, bytes per row; `weights`
    (flat float32, each as often as a texel has channels), and two places in it: where the
    weights across begin and where the weights down begin. A row of texels is one load.
    """
    lanes = CHANNELS * taps
    index = types.int64
    rgba = types.UniTuple(types.float32, CHANNELS)
    bytes_ = ir.VectorType(ir.IntType(8), lanes)
    ints = ir.VectorType(ir.IntType(32), lanes)
    floats = ir.VectorType(ir.FloatType(), lanes)

    def typed(typing, texels, first, stride, weights, across, down):
        def generate(context, builder, signature, args):
            texel_array, byte, row_bytes, weight_array, columns, rows = args
            data = context.make_array(texels)(context, builder, texel_array).data
            shares = context.make_array(weights)(context, builder, weight_array).data
            total = None
            for tap in range(taps):
                row = _load(builder, builder.gep(data, [byte]), bytes_, 1)
                colours = builder.sitofp(builder.zext(row, ints), floats)
                place = builder.add(rows, ir.IntType(64)(CHANNELS * tap))
                weight = builder.load(builder.gep(shares, [place]))
                term = builder.fmul(colours, _filled(builder, weight, lanes))
                total = builder.fadd(total, term) if total else term
                byte = builder.add(byte, row_bytes)
            total = builder.fmul(
                total, _load(builder, builder.gep(shares, [columns]), floats, 4)
            )
            while total.type.count > CHANNELS:
                total = _halves_added(builder, total)
            lane = ir.IntType(32)
            channels = [builder.extract_element(total, lane(c)) for c in range(CHANNELS)]
            return context.make_tuple(builder, signature.return_type, channels)

        return rgba(texels, index, index, weights, index, index), generate

    return intrinsic(typed)


def _put_under(typing, canvas, byte, colour, share):
    """Add `share` of a colour to the RGBA pixel of a uint8 canvas that begins at `byte`.

    `colour` is four float32, 0 to 255, premultiplied; what is more than alpha or less than
    nothing is cut off, and the sum at 255.
    """
    bytes_ = ir.VectorType(ir.IntType(8), CHANNELS)
    ints = ir.VectorType(ir.IntType(32), CHANNELS)
    floats = ir.VectorType(ir.FloatType(), CHANNELS)
    nothing, half, ceiling = (
        ir.Constant(floats, [value] * CHANNELS) for value in (0.0, 0.5, 255.0)
    )

    def generate(context, builder, signature, args):
        canvas_array, first, channels, part = args
        data = context.make_array(canvas)(context, builder, canvas_array).data
        address = builder.gep(data, [first])
        below = ir.Constant(floats, ir.Undefined)
        for channel in range(CHANNELS):
            value = builder.extract_value(channels, channel)
            below = builder.insert_element(below, value, ir.IntType(32)(channel))
        alpha = _filled(builder, builder.extract_value(channels, CHANNELS - 1), CHANNELS)
        below = _greatest(builder, _least(builder, below, alpha), nothing)
        above = builder.sitofp(builder.zext(_load(builder, address, bytes_, 1), ints), floats)
        total = builder.fadd(above, builder.fmul(below, _filled(builder, part, CHANNELS)))
        total = _least(builder, builder.fadd(total, half), ceiling)
        whole = builder.trunc(builder.fptosi(total, ints), bytes_)
        builder.store(whole, builder.bitcast(address, bytes_.as_pointer())).align = 1
        return context.get_dummy_value()

    return types.none(canvas, types.int64, colour, types.float32), generate


put_under: Any = intrinsic(_put_under)
"""See `_put_under`, without its first parameter."""


def _least(builder: ir.IRBuilder, one: Any, other: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", one, other), one, other)


def _greatest(builder: ir.IRBuilder, one: Any, other: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", one, other), one, other)


def _load(builder: ir.IRBuilder, address: Any, vector: Any, alignment: int) -> Any:
    """The vector that begins at an address."""
    loaded = builder.load(builder.bitcast(address, vector.as_pointer()))
    loaded.align = alignment
    return loaded


def _filled(builder: ir.IRBuilder, value: Any, count: int) -> Any:
    """A vector whose lanes all hold a value."""
    undefined = ir.Constant(ir.VectorType(ir.FloatType(), count), ir.Undefined)
    one = builder.insert_element(undefined, value, ir.IntType(32)(0))
    return builder.shuffle_vector(
        one, undefined, ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
    )


def _halves_added(builder: ir.IRBuilder, vector: Any) -> Any:
    """A vector of half the length: the lower half plus the upper half."""
    count = vector.type.count // 2
    undefined = ir.Constant(vector.type, ir.Undefined)
    lanes = ir.VectorType(ir.IntType(32), count)
    lower = builder.shuffle_vector(vector, undefined, ir.Constant(lanes, list(range(count))))
    above = ir.Constant(lanes, list(range(count, 2 * count)))
    return builder.fadd(lower, builder.shuffle_vector(vector, undefined, above))
