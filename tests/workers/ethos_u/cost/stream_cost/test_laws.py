"""What must hold of every piece of work, whatever the numbers in Vela's tables are."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from workers.ethos_u.cost.stream_cost.hardware.board import Memory
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu, npu_of
from workers.ethos_u.cost.stream_cost.operation.price import Price, price_of_work
from workers.ethos_u.cost.stream_cost.timeline import Timeline
from workers.ethos_u.cost.stream_cost.work.work import Channel, Tensor, Unit, Weights, Work
from workers.ethos_u.target import Target

NPUS = [
    npu_of(Target.parse(f"ethos-{one}"))
    for one in ("u55-32", "u55-128", "u55-256", "u65-256", "u65-512", "u85-128", "u85-256", "u85-2048")
]
sizes = st.integers(1, 64)


@st.composite
def works(draw: st.DrawFn, *units: Unit) -> tuple[Npu, Work]:
    npu = draw(st.sampled_from(NPUS))
    unit = draw(st.sampled_from(units or tuple(Unit)))
    memory = st.sampled_from(sorted(set(npu.regions.values()), key=lambda one: one.name))

    def tensor() -> Tensor:
        bits = draw(st.sampled_from([8, 16, 32]))
        return Tensor((draw(sizes), draw(sizes), draw(sizes)), bits, draw(st.booleans()), draw(memory), bits)

    ifm, output = tensor(), tensor()
    block = (draw(st.integers(1, 16)), draw(st.integers(1, 32)), 8 * draw(st.integers(1, 8)))
    microblock = npu.microblock if not npu.u85 else (2, 2, max(1, npu.macs // 32))
    weights = Weights(draw(st.integers(0, 10_000)), draw(st.integers(0, 1000)), *(draw(memory) for _ in range(3)))
    return npu, Work(
        unit=unit,
        kernel=(draw(st.integers(1, 12)), draw(st.integers(1, 12))),
        inputs=(ifm,),
        ifm_shape=ifm.shape,
        ifm_bits=ifm.bits,
        output=output,
        writes=draw(st.booleans()),
        written=output,
        written_block=block,
        ifm_block=(block[0] + 2, block[1] + 2, 8 * draw(st.integers(1, 8))),
        ofm_block=block,
        microblock=microblock,
        part_kernel=draw(st.booleans()),
        wide_accumulator=draw(st.booleans()),
        cycles_per_element=draw(st.sampled_from([0.125, 0.25, 0.5, 1.0, 1.5])),
        weights=weights if unit in (Unit.CONV, Unit.DEPTHWISE) else None,
        channels=(Channel.IFM if unit.uses_macs else Channel.STREAM,),
        rows_read=ifm.shape[0],
        columns_read=ifm.shape[1],
    )


def assert_no_cheaper(npu: Npu, less: Work, more: Work) -> None:
    first, second = price_of_work(npu, less), price_of_work(npu, more)
    assert second.cycles >= first.cycles and second.steady_cycles >= first.steady_cycles
    assert all(second.memory_cycles.get(where, 0) >= cycles for where, cycles in first.memory_cycles.items())


@given(works())
def test_an_operation_takes_as_long_as_its_busiest_memory(given: tuple[Npu, Work]) -> None:
    price: Price = price_of_work(*given)
    assert price.cycles >= price.steady_cycles >= max(price.memory_cycles.values(), default=0)


@given(works(), st.booleans(), st.integers(1, 8))
def test_a_larger_kernel_is_never_cheaper(given: tuple[Npu, Work], high: bool, more: int) -> None:
    npu, work = given
    height, width = work.kernel
    assert_no_cheaper(npu, work, replace(work, kernel=(height + more, width) if high else (height, width + more)))


@given(works(Unit.CONV, Unit.REDUCE_SUM), st.integers(1, 64))
def test_more_input_channels_are_never_cheaper(given: tuple[Npu, Work], more: int) -> None:
    npu, work = given
    height, width, depth = work.ifm_shape
    shape = (height, width, depth + more)
    deeper = replace(work, ifm_shape=shape)
    assert price_of_work(npu, deeper).steady_cycles >= price_of_work(npu, work).steady_cycles


@given(works(), st.sampled_from([1.25, 2.0, 4.0]))
def test_a_slower_output_unit_is_never_cheaper(given: tuple[Npu, Work], factor: float) -> None:
    npu, work = given
    assert_no_cheaper(npu, work, replace(work, cycles_per_element=work.cycles_per_element * factor))


@given(works(Unit.CONV, Unit.DEPTHWISE), st.integers(1, 5000))
def test_more_weights_are_never_cheaper(given: tuple[Npu, Work], more: int) -> None:
    npu, work = given
    assert work.weights is not None
    weights = replace(work.weights, weight_bytes=work.weights.weight_bytes + more)
    assert_no_cheaper(npu, work, replace(work, weights=weights))


@given(works(), st.sampled_from([2.0, 3.0, 8.0]))
def test_half_the_bandwidth_is_never_cheaper(given: tuple[Npu, Work], factor: float) -> None:
    npu, work = given
    regions = {}
    slower: dict[Memory, Memory] = {}
    for region, memory in npu.regions.items():
        slower[memory] = slower.get(memory) or replace(memory, bytes_per_cycle=memory.bytes_per_cycle / factor)
        regions[region] = slower[memory]
    slow = replace(npu, regions=regions)

    def moved(tensor: Tensor) -> Tensor:
        return replace(tensor, memory=slower[tensor.memory])

    weights = work.weights and replace(
        work.weights, weight_memory=slower[work.weights.weight_memory], scale_memory=slower[work.weights.scale_memory]
    )
    elsewhere = replace(
        work, inputs=tuple(map(moved, work.inputs)), output=moved(work.output), written=moved(work.written),
        weights=weights,
    )  # fmt: skip
    before, after = price_of_work(npu, work), price_of_work(slow, elsewhere)
    assert after.cycles >= before.cycles
    assert all(after.memory_cycles[slower[memory]] >= cycles for memory, cycles in before.memory_cycles.items())


@given(works(), works(), st.integers(0, 7))
def test_an_operation_runs_beside_the_one_before_at_its_ends_only(
    one: tuple[Npu, Work], other: tuple[Npu, Work], dependency: int
) -> None:
    (npu, work), (_, before) = one, other
    ended = price_of_work(npu, replace(before, inputs=work.inputs, weights=None, output=work.output))
    after = price_of_work(npu, replace(work, block_dependency=dependency))
    early = after.beside(ended)
    assert 0 <= early <= min(after.cycles, ended.cycles) + 1
    assert after.beside(None) == 0
    # The more blocks are free to begin, the more it does.
    assert all(replace(after, block_dependency=less).beside(ended) <= early for less in range(dependency))
    assert dependency or not early


@given(works(Unit.CONV))
def test_weights_beyond_the_buffer_wait_for_the_first_block(given: tuple[Npu, Work]) -> None:
    npu, work = given
    assert work.weights is not None
    memory = work.weights.weight_memory
    buffered = 16 * max(npu.read_buffers) if npu.u85 else work.weights.weight_bytes
    late = max(0, work.weights.weight_bytes - buffered) / memory.bytes_per_cycle
    assert price_of_work(npu, work).cycles >= price_of_work(npu, work).ends.reads + late - 1


steps = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.integers(1, 500), st.integers(0, 10)),
        st.tuples(st.just("run beside"), st.integers(1, 500), st.integers(0, 10)),
        st.tuples(st.just("copy"), st.integers(1, 500), st.integers(1, 10)),
        st.tuples(st.just("wait"), st.integers(0, 1), st.just(0)),
    ),
    min_size=1,
    max_size=20,
)


@given(st.sampled_from(NPUS), steps)
def test_time_is_between_the_busiest_part_and_everything_in_turn(npu: Npu, written: list[tuple[str, int, int]]) -> None:
    memory = npu.regions[0]
    line, operations, added, copies, reading = Timeline(npu), 0, 0, 0, 0.0
    for what, number, tenths in written:
        line.read_commands(3)
        reading += max(3, 12 / memory.bytes_per_cycle)
        if what in ("run", "run beside"):
            early = number // 2 if what == "run beside" else 0
            operations += number - early
            added += early
            line.run(number, {memory: number * tenths // 10 / number}, early)
        elif what == "copy":
            copies += number
            line.start_copy(number, {memory: tenths / 10})
        else:
            line.commands = max(line.commands, line.copies_end(number))
    end = line.end()
    assert max(operations, copies) <= end + 1e-6
    assert end <= operations + added + copies + reading + 1e-6
    assert end == line.end()
