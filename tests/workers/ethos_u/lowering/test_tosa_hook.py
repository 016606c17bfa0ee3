import threading
from collections.abc import Callable
from typing import Any

import pytest
from support.programs.lowered import Lowered

from workers.ethos_u.files.pte import delegates_of
from workers.ethos_u.lowering.ahead_of_time.tosa_hook import TAG_KEY, rewrite_tosa
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

Lower = Callable[[str], bytes]
Stock = Callable[[str], Lowered]


def keep(index: int, tosa: bytes) -> bytes:
    return tosa


def seams() -> tuple[Any, Any]:
    from executorch.backends.arm.ethosu.backend import EthosUBackend
    from executorch.backends.arm.tosa.partitioner import TOSAPartitioner

    return EthosUBackend.__dict__["_compile_tosa_flatbuffer"].__func__, TOSAPartitioner.partition


def test_unchanged_programs_give_the_stock_file(lower: Lower) -> None:
    stock_pte = lower("ethos-u55-128")
    with rewrite_tosa(keep):
        assert lower("ethos-u55-128") == stock_pte


def test_sees_the_delegates_programs_in_order(lower: Lower, stock: Stock) -> None:
    seen: list[tuple[int, bytes]] = []

    def note(index: int, tosa: bytes) -> bytes:
        seen.append((index, tosa))
        return tosa

    with rewrite_tosa(note):
        lower("ethos-u55-128")
    assert seen == list(enumerate(stock("ethos-u55-128").tosa))


def test_compiles_what_the_transform_returns(lower: Lower, stock: Stock) -> None:
    first, second = stock("ethos-u55-128").tosa
    # Where the bytes are most varied, there are weights; one of them changes.
    weight = max(range(0, len(second), 16), key=lambda at: len(set(second[at : at + 16])))
    other = second[:weight] + bytes([second[weight] ^ 0x55]) + second[weight + 1 :]
    with rewrite_tosa(lambda index, tosa: other if index == 1 else tosa):
        delegates = delegates_of(lower("ethos-u55-128"), "rewritten")
    target = Target.parse("ethos-u55-128")
    for delegate, tosa in zip(delegates, (first, other), strict=True):
        assert delegate.weights == compile_tosa(tosa, target).weights
    assert delegates[1].weights != compile_tosa(second, target).weights


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_every_delegate_carries_the_tag_and_is_otherwise_stock(lower: Lower, accelerator: str) -> None:
    tag = '{"recipe": "überall"}'.encode()
    plain = delegates_of(lower(accelerator), "stock")
    with rewrite_tosa(keep, tag):
        tagged = delegates_of(lower(accelerator), "tagged")
    assert [delegate.blob for delegate in tagged] == [delegate.blob for delegate in plain]
    for delegate, stock_delegate in zip(tagged, plain, strict=True):
        assert delegate.compile_specs == {**stock_delegate.compile_specs, TAG_KEY: tag}


def test_a_partitioner_from_outside_is_tagged_but_not_changed(quantized: Callable[[str], Any]) -> None:
    from executorch.backends.arm.ethosu import EthosUCompileSpec, EthosUPartitioner
    from executorch.exir import to_edge_transform_and_lower

    partitioner = EthosUPartitioner(EthosUCompileSpec("ethos-u85-256"))

    def tags() -> list[bytes | None]:
        edge = to_edge_transform_and_lower(quantized("ethos-u85-256"), partitioner=[partitioner])
        delegates = delegates_of(bytes(edge.to_executorch().buffer), "made")
        return [delegate.compile_specs.get(TAG_KEY) for delegate in delegates]

    with rewrite_tosa(keep, b"one"):
        assert tags() == [b"one"]
        with rewrite_tosa(keep, b"two"):
            assert tags() == [b"two"]
    assert tags() == [None]


def test_everything_is_put_back_also_after_an_exception(lower: Lower) -> None:
    before = seams()

    def fail(index: int, tosa: bytes) -> bytes:
        raise LookupError(f"no recipe for delegate {index}")

    with pytest.raises(LookupError, match="delegate 0"), rewrite_tosa(fail, b"tag"):
        lower("ethos-u85-256")
    assert seams() == before
    with rewrite_tosa(keep):
        assert seams() != before
    assert seams() == before


def test_refuses_a_tag_that_executorch_could_not_read() -> None:
    before = seams()
    with pytest.raises(ValueError), rewrite_tosa(keep, b"\xff"):
        pass
    assert seams() == before


def test_another_thread_s_lowering_is_left_alone(lower: Lower) -> None:
    stock_pte = lower("ethos-u85-256")
    made: list[bytes] = []

    def refuse(index: int, tosa: bytes) -> bytes:
        raise AssertionError("this thread lowers nothing")

    with rewrite_tosa(refuse, b"tag"):
        other = threading.Thread(target=lambda: made.append(lower("ethos-u85-256")))
        other.start()
        other.join()
    assert made == [stock_pte]
