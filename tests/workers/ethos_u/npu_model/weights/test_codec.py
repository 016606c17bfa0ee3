"""Entropy-coded streams decode to what Vela's encoder was given, and damaged ones as by Vela's decoder."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from ethosu import mlw_codec
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.ethos_u.npu_model.errors import Fault
from workers.ethos_u.npu_model.weights.codec import decode


def encoded(weights: np.ndarray) -> bytes:
    return bytes(mlw_codec.encode(weights.tolist()))


def decoded_by_vela(streams: list[bytes]) -> list[list[int] | None]:
    """What Vela's decoder makes of streams; None where it ends the process."""
    # Only a process of its own survives that, and only one of a single thread can be forked.
    script = """
import json, os, sys
from ethosu import mlw_codec
for line in sys.stdin:
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        weights = mlw_codec.decode(bytearray.fromhex(line))
        with open(send, "w") as pipe:
            json.dump(weights, pipe)
        os._exit(0)
    os.close(send)
    with open(receive) as pipe:
        text = pipe.read()
    ok = os.waitpid(child, 0)[1] == 0
    print(text if ok else "null", flush=True)
"""
    lines = "\n".join(stream.hex() for stream in streams)
    done = subprocess.run([sys.executable, "-c", script], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@st.composite
def some_weights(draw: st.DrawFn) -> np.ndarray:
    """Weights of several kinds one behind the other, so that streams have slices of every form."""
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        size = draw(st.sampled_from([1, 2, 11, 12, 13, 100, 1000, 5000, 40000]))
        spread = draw(st.sampled_from([0.4, 1, 3, 10, 30, 90]))
        part = np.clip(np.round(random.laplace(draw(st.integers(-5, 5)), spread, size)), -255, 255).astype(np.int64)
        if draw(st.booleans()):
            part = random.choice(random.integers(-255, 256, draw(st.integers(1, 40))), size)
        parts.append(np.where(random.random(size) < draw(st.sampled_from([0, 0.3, 0.9, 0.99, 1])), 0, part))
    return np.concatenate(parts)


@given(some_weights())
def test_encoded_weights(weights: np.ndarray) -> None:
    np.testing.assert_array_equal(decode(encoded(weights), len(weights)), weights)


@given(st.lists(some_weights(), min_size=2, max_size=3))
@settings(max_examples=20)
def test_streams_behind_each_other(parts: list[np.ndarray]) -> None:
    # Vela's encoder makes one stream of each; its decoder takes them together.
    weights = np.concatenate(parts)
    np.testing.assert_array_equal(decode(b"".join(map(encoded, parts)), len(weights)), weights)


@pytest.mark.parametrize("change", [-1, 1, 5000])
@pytest.mark.parametrize("zeros", [0, 0.95])
def test_another_number_of_weights(change: int, zeros: float) -> None:
    random = np.random.default_rng(3)
    weights = np.where(random.random(9000) < zeros, 0, random.integers(-20, 20, 9000))
    with pytest.raises(Fault, match="weights"):
        decode(encoded(weights), len(weights) + change)


@given(some_weights(), st.data())
@settings(max_examples=50)
def test_stream_that_is_cut_off(weights: np.ndarray, data: st.DataObject) -> None:
    stream = encoded(weights)
    length = data.draw(st.integers(0, len(stream.rstrip(b"\xff")) - 1))
    with pytest.raises(Fault):
        decode(stream[:length], len(weights))


def test_damaged_streams() -> None:
    random = np.random.default_rng(7)
    streams = []
    for seed in range(400):
        spread, zeros = random.choice([0.5, 3, 20, 60]), random.choice([0, 0.5, 0.95])
        weights = np.clip(np.round(random.normal(0, spread, random.integers(1, 300))), -255, 255).astype(np.int64)
        stream = bytearray(encoded(np.where(random.random(len(weights)) < zeros, 0, weights)))
        for _ in range(random.integers(1, 3)):
            # Every other one in its header, which says more.
            stream[random.integers(min(8, len(stream)) if seed % 2 else len(stream))] ^= 1 << random.integers(8)
        streams.append(bytes(stream))
    streams += [random.bytes(random.integers(1, 200)) for _ in range(200)]
    faults = 0
    for stream, expected in zip(streams, decoded_by_vela(streams), strict=True):
        try:
            found = decode(stream, 0 if expected is None else len(expected))
        except Fault as fault:
            faults += 1
            # Vela's decoder goes on where a header has no meaning.
            assert expected is None or any(word in str(fault) for word in ("meaning", "palette", "9 bits")), (
                stream.hex()
            )
            continue
        assert expected is not None, stream.hex()
        np.testing.assert_array_equal(found, expected, err_msg=stream.hex())
    assert 100 < faults < len(streams) - 100
