"""What a written file is and why, as Markdown: splits, bytes by operator, layers and their quality."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workers.vulkan.check.quality import OutputQuality
from workers.vulkan.cost.device_profile import DeviceProfile, kernel_kinds
from workers.vulkan.cost.facts import Facts, bytes_by_operator, facts, moved_by_calls
from workers.vulkan.cost.splits import splits
from workers.vulkan.gate.verdict import verdict_of
from workers.vulkan.lowering.graph.lowered_graphs import graphs_of
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.model.layers import Layer
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.base import Rewrite

_COUNTED: tuple[tuple[str, Callable[[Facts], int]], ...] = (
    ("operators on the CPU", lambda one: one.host_operators),
    ("delegates", lambda one: one.delegates),
    ("bytes moved", lambda one: one.moved_bytes),
    ("operations", lambda one: one.operations),
    ("constant bytes", lambda one: one.constant_bytes),
    ("bytes of activations", lambda one: one.shared_bytes),
)


@dataclass(frozen=True)
class Reported:
    """What a report is on.

    Attributes:
        model: its name.
        recipe: as text.
        default, written: the stock program, and the one in the file.
        available: rewrites that have sites in the model.
        layers: of the model.
        schemes: by number of the layer, those of the file; layers that stay float are not named.
        alone: quality in dB of a model in which one layer alone has a scheme.
        quality: of the file against the model in PyTorch.
        profile: of a device, if there is one.
    """

    model: str
    recipe: str
    default: Lowered
    written: Lowered
    available: Sequence[Rewrite]
    layers: Sequence[Layer]
    schemes: Mapping[int, Scheme]
    alone: Callable[[int, Scheme], float | None]
    quality: OutputQuality
    profile: DeviceProfile | None


def report_text(of: Reported) -> str:
    """The report.

    Args:
        of: what it is on.

    Returns:
        Markdown. Every number is counted, simulated, measured or predicted, and says so.
    """
    parts = (_facts(of), _splits(of), _bytes(of), _quality(of), _time(of))
    lines = [f"# {of.model} for Vulkan", "", f"Recipe: `{of.recipe}`", ""]
    return "\n".join([*lines, *(line for part in parts for line in (*part, ""))]).rstrip() + "\n"


def predicted_time(profile: DeviceProfile, lowered: Lowered) -> str:
    """What a device is predicted to take for the delegates of a program.

    Args:
        profile: of the device.
        lowered: any program.

    Returns:
        In words, with the range; operators on the CPU are left out.
    """
    calls = [call for delegate in moved_by_calls(lowered) for call in delegate]
    low, high = profile.milliseconds(calls)
    return f"{low:.3g} to {high:.3g} ms on {profile.name} (predicted from its profile)"


def _facts(of: Reported) -> Iterator[str]:
    default, written = facts(of.default), facts(of.written)
    yield "| counted | default | file |"
    yield "|---|---|---|"
    for title, value in _COUNTED:
        yield f"| {title} | {value(default):,} | {value(written):,} |"
    yield ""
    yield f"Runtime: the default is {verdict_of(of.default)}."
    yield f"Runtime: the file is {verdict_of(of.written)}."


def _splits(of: Reported) -> Iterator[str]:
    for title, lowered in (("default", of.default), ("file", of.written)):
        count = len(lowered.delegates)
        yield f"## Why the {title} is in {count} delegate{'s' * (count != 1)}"
        yield ""
        found = splits(lowered, of.available)
        yield from (f"- {one}" for one in found)
        if not found:
            yield "Nothing is left on the CPU."
        yield ""


def _bytes(of: Reported) -> Iterator[str]:
    default, written = bytes_by_operator(of.default), bytes_by_operator(of.written)
    yield "## Bytes moved, by operator (counted)"
    yield ""
    yield "| operator | default | file |"
    yield "|---|---|---|"
    for name in sorted({*default, *written}, key=lambda one: (-max(default.get(one, 0), written.get(one, 0)), one)):
        yield f"| `{name}` | {default.get(name, 0):,} | {written.get(name, 0):,} |"


def _quality(of: Reported) -> Iterator[str]:
    missing = f", {of.quality.error_db:g} dB may be missing"
    label = of.quality.label + (" by the runner" if of.quality.runner else missing)
    yield "## Quality"
    yield ""
    for number, decibels in enumerate(of.quality.decibels):
        over = f"over {of.quality.samples} inputs ({label})"
        yield f"Output {number}: {decibels:.1f} dB against the model in PyTorch, {over}."
    yield ""
    yield "Of a layer: what the model comes to if that layer alone has its scheme (simulated)."
    yield ""
    yield "| layer | name | kind | weights | scheme | quality |"
    yield "|---|---|---|---|---|---|"
    for layer in of.layers:
        scheme = of.schemes.get(layer.number, Scheme.FP)
        alone = of.alone(layer.number, scheme) if scheme is not Scheme.FP else None
        quality = "" if alone is None else f"{alone:.1f} dB"
        yield f"| {layer.number} | {layer.name} | {layer.kind} | {layer.weights:,} | {scheme} | {quality} |"


def _time(of: Reported) -> Iterator[str]:
    if of.profile is None:
        yield "No device time was measured, and none is predicted."
        return
    kinds = [
        kernel_kinds([call for graph in graphs_of(one) for call in graph.calls]) for one in (of.default, of.written)
    ]
    yield f"Delegates of the file: {predicted_time(of.profile, of.written)}."
    if different := sorted(kinds[0] ^ kinds[1]):
        yield (
            f"The default is not compared with it: only one of them runs {', '.join(different[:3])}"
            f"{' and others' if len(different) > 3 else ''}."
        )
    else:
        yield f"Delegates of the default: {predicted_time(of.profile, of.default)}."
