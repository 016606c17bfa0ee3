"""Counts that many kernels share: copies, and the products that a convolution ends in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: How often loops run, by their names. Names with a dot are of routines that several kernels share.
Counts = dict[str, float]


def up(number: int, block: int) -> int:
    """Blocks that hold a number of values.

    Args:
        number: of values.
        block: values in one block.

    Returns:
        How many blocks; the last one may be partly filled.
    """
    return -(-number // block)


def scaled(counts: Counts, times: float) -> Counts:
    """Every count, so many times.

    Args:
        counts: by the loop's name.
        times: how often all of them happen.

    Returns:
        New counts.
    """
    return {name: value * times for name, value in counts.items()}


def total(parts: Iterable[Mapping[str, float]]) -> Counts:
    """Counts added by name."""
    result: Counts = {}
    for part in parts:
        for name, value in part.items():
            result[name] = result.get(name, 0) + value
    return result


def mve_product(rows: int, outs: int, depth: int) -> Counts:
    """`arm_nn_mat_mult_nt_t_s8` with MVE: four rows of the left side at once, 16 values of the depth at once; rows that
    are left over one at a time, requantised by four outputs.

    Args:
        rows: of the left side.
        outs: rows of the right side, which are outputs.
        depth: values that each product sums.

    Returns:
        Runs of each loop, by the loop's name.
    """
    block, rest, k16 = rows // 4, rows % 4, up(depth, 16)
    return {
        "product.calls": 1,
        "product.block": block,
        "product.block_outs": block * outs,
        "product.block_outs_k16": block * outs * k16,
        "product.rest": rest,
        "product.rest_outs": rest * outs,
        "product.rest_outs_k16": rest * outs * k16,
        "product.rest_outs4": rest * (outs // 4),
        "product.rest_outs_tail": rest * (outs % 4),
    }


def dsp_copy(calls: float, size: int, name: str) -> Counts:
    """`memcpy` or `memset` of newlib, by name: blocks of 64 (`memcpy` alone), 16 and 4 bytes, then bytes.

    Args:
        calls: how often the routine is called.
        size: bytes of each call.
        name: `memcpy` or `memset`.

    Returns:
        Runs of each loop, by the loop's name.
    """
    large = size // 64 if name == "memcpy" else 0
    return {
        f"{name}.calls": calls,
        f"{name}.64": calls * large,
        f"{name}.16": calls * ((size - 64 * large) // 16),
        f"{name}.4": calls * (size % 16 // 4),
        f"{name}.1": calls * (size % 4),
    }


def mve_copy(calls: float, size: int, name: str) -> Counts:
    """`arm_memcpy_s8` or `arm_memset_s8` with MVE, which the compiler inlines: a loop over 16 bytes.

    Args:
        calls: how often the routine is called.
        size: bytes of each call.
        name: `memcpy` or `memset`.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {f"{name}_calls": calls, f"{name}_16": calls * up(size, 16)}


def copies(calls: float, size: int, name: str, mve: bool) -> Counts:
    """Copies (`memcpy`) or fills (`memset`) of so many bytes.

    Args:
        calls: how often the routine is called.
        size: bytes of each call.
        name: `memcpy` or `memset`.
        mve: whether the compiler inlines CMSIS-NN's own routine; else newlib's runs.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return mve_copy(calls, size, name) if mve else dsp_copy(calls, size, name)
