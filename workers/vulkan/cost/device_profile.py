"""Milliseconds from a user's own trace of a device, where they can be predicted.

Such a prediction has a range.

    [device]
    name = "phone"
    gigabytes_per_second = [38.0, 46.0]
    microseconds_per_dispatch = [4.0, 12.0]

    [gigabytes_per_second]
    "et_vk.linear_q4gsw.default" = 44.5

Every number is one that the trace gave, or the lowest and the highest of several. The table behind `[device]` has rates
of operators that reach others. The model is that operators move their bytes one after the other, and that each costs a
dispatch. Published pairs of convolution kernels show that bytes do not say which kernel is faster. So two programs are
compared only where they use kernels of the same kinds.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.errors import ModelError
from workers.vulkan.gate.loading.kernels import kernels
from workers.vulkan.lowering.graph.vk_graph import Call

_RATE, _DISPATCH = "gigabytes_per_second", "microseconds_per_dispatch"

Range = tuple[float, float]


@dataclass(frozen=True)
class DeviceProfile:
    """What a trace said of a device.

    Attributes:
        name: of the device, for people.
        rate: bytes in a second that operators move, in GB/s (10**9 bytes): the lowest and the highest.
        dispatch: microseconds that each operator costs besides, likewise.
        rates: the same as `rate` for operators that have one of their own, by name.
    """

    name: str
    rate: Range
    dispatch: Range
    rates: Mapping[str, Range]

    def milliseconds(self, calls: Sequence[tuple[str, int]]) -> Range:
        """What operators are predicted to take, one after the other.

        Args:
            calls: each with its name and the bytes that it moves.

        Returns:
            The lowest and the highest, by the ends of all ranges.
        """
        ends = []
        for slow in (False, True):
            # 10**9 bytes in a second are 10**6 in a millisecond.
            bytes_time = sum(moved / (self.rates.get(name, self.rate)[0 if slow else 1] * 1e6) for name, moved in calls)
            ends.append(bytes_time + len(calls) * self.dispatch[1 if slow else 0] / 1000)
        return ends[0], ends[1]


def kernel_kinds(calls: Sequence[Call]) -> frozenset[str]:
    """What operators run, by kind: programs with different ones are not compared by a device's rates.

    Args:
        calls: of all delegates.

    Returns:
        Names of shaders where they are known, and of operators elsewhere; without those that only move data.
    """
    kinds = set()
    for call in calls:
        if call.name not in _MOVES:
            kinds |= set(kernels(call)) or {f"{call.name} {call.results[0].dtype if call.results else ''}"}
    return frozenset(kinds)


_MOVES = frozenset(
    f"aten.{name}.default"
    for name in (
        "clone", "view_copy", "permute_copy", "squeeze_copy", "unsqueeze_copy", "t_copy", "expand_copy", "slice_copy",
    )
) | {"et_vk.prepack.default", "aten.slice_copy.Tensor", "aten.squeeze_copy.dims"}  # fmt: skip


def read_profile(file: str) -> DeviceProfile:
    """Read a profile.

    Args:
        file: in TOML, see the head of this file.

    Raises:
        ModelError: it cannot be read, or a number is missing or none that is possible.
    """
    said = f"--device-profile {file}"
    try:
        content = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{said}: cannot be read, {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{said}: {error}") from error
    device, rates = content.get("device"), content.get(_RATE, {})
    unknown = sorted(set(content) - {"device", _RATE})
    if not isinstance(device, dict) or not isinstance(rates, dict) or unknown:
        raise ModelError(f"{said}: needs a table [device], and may have one of {_RATE}; nothing else")
    unknown = sorted(set(device) - {"name", _RATE, _DISPATCH})
    if unknown:
        raise ModelError(f"{said}: [device] has no {unknown[0]}")
    return DeviceProfile(
        str(device.get("name", Path(file).stem)),
        _range(device.get(_RATE), f"{said}: {_RATE}", least=1e-3),
        _range(device.get(_DISPATCH), f"{said}: {_DISPATCH}", least=0.0),
        {name: _range(value, f"{said}: {_RATE} of {name}", least=1e-3) for name, value in rates.items()},
    )


def _range(value: Any, said: str, least: float) -> Range:
    ends = value if isinstance(value, list) else [value, value]
    numbers = [end for end in ends if isinstance(end, int | float) and not isinstance(end, bool)]
    if len(numbers) != 2 or len(ends) != 2 or not least <= numbers[0] <= numbers[1] < 1e6:
        raise ModelError(f"{said}: a number, or the lowest and the highest, from {least:g} on")
    return float(numbers[0]), float(numbers[1])
