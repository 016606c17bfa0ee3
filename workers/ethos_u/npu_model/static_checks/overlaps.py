"""Elements of feature maps that take the same place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workers.ethos_u.command_stream import FeatureMap, Kernel, Kind, Operation
from workers.ethos_u.npu_model.accesses import spans
from workers.ethos_u.npu_model.accesses.footprint import Access
from workers.ethos_u.npu_model.accesses.placement import rows_of_map
from workers.ethos_u.npu_model.accesses.steps import Step
from workers.ethos_u.npu_model.violation import Violation

_ONE_BY_ONE = Kernel(1, 1, 1, 1, 1, 1)


def overlaps(looked_at: Sequence[Step]) -> Iterator[Violation]:
    """Elements of one feature map at the same place, or results over elements that are read later."""
    # Operations that hand results to each other inside the NPU (U85), up to the one that writes to memory.
    chain: list[Step] = []
    for step in looked_at:
        if not step.operation.computes:
            continue
        chain.append(step)
        yield from _within(step)
        for written in step.footprint.writes:
            for reader in chain:
                for read in reader.footprint.reads:
                    if read.region == written.region and len(read.common(written)):
                        yield from _over(reader, read, step)
        if not step.footprint.chained:
            chain = []


def _within(step: Step) -> Iterator[Violation]:
    """Feature maps with several elements at one place."""
    operation, count = step.operation, len(step.offsets)
    for access in (*step.footprint.reads, *step.footprint.writes):
        if access.map_bytes is None or access.bytes == count * access.map_bytes:
            continue
        # The operations of a step can read the same, as they cannot write it.
        feature_map = _feature_map(operation, access)
        if feature_map is not None and count > 1 and access.what != "OFM":
            rows = rows_of_map(operation, feature_map, access.what)
            first = {name: addresses[:1] for name, addresses in step.moved.items()}
            if spans.size(spans.union([part.at(operation.registers, first) for part in rows])) == feature_map.bytes:
                continue
        yield Violation(step.offset, f"several elements of its {access.what} are at the same place")


def _over(reader: Step, read: Access, writer: Step) -> Iterator[Violation]:
    """Whether results may be written where an operand is, by the same operation or one that it hands results to."""
    operation, ofm = reader.operation, writer.operation.ofm
    operand = _feature_map(operation, read)
    in_place = False
    by_element = _by_element(operation, read.what)
    if by_element and operand is not None and ofm is not None and ofm.transpose == "HWC" and ofm.reverse == "NONE":
        # Each result takes the place of the very element that it is computed from.
        same_elements = (operand.shape, operand.element_bytes) == (ofm.shape, ofm.element_bytes)
        in_place = same_elements and _places(reader, operand, read.what) == _places(writer, ofm, "OFM")
    if not in_place:
        whose = "its" if reader is writer else "the chain's"
        yield Violation(
            writer.offset, f"its OFM is written over bytes of {whose} {read.what} that are still to be read"
        )


def _by_element(operation: Operation, what: str) -> bool:
    """Whether each result depends on one element of this operand alone."""
    # The sums of a CONV3D's planes stand in memory between its operations, each of which adds to them.
    if what == "IFM2" and operation.accumulator_input == "IFM2":
        return True
    return operation.kind is Kind.ELEMENTWISE or (operation.kind is Kind.POOL and operation.kernel == _ONE_BY_ONE)


def _places(step: Step, feature_map: FeatureMap, name: str) -> list[tuple[list[int], list[tuple[int, int]], int]]:
    """Of each part of a feature map: addresses of its first row in the operations of a step. Also how often rows are
    repeated at which distance, and bytes of a row."""
    found = []
    for rows in rows_of_map(step.operation, feature_map, name):
        # The registers of a step are those of the first operation of its run, which may not be one of the step's.
        bases = step.moved.get(f"NPU_SET_{rows.register}")
        first = [step.operation.registers.number(rows.register)] if bases is None else bases.tolist()
        repeated = [(count, distance) for count, distance in rows.dimensions if count > 1]
        found.append(([base + rows.offset_bytes for base in first], repeated, rows.length_bytes))
    return found


def _feature_map(operation: Operation, access: Access) -> FeatureMap | None:
    return {"IFM": operation.ifm, "IFM2": operation.ifm2, "OFM": operation.ofm}.get(access.what)
