"""A process that uses the pool: it starts or joins a Ray, prints its own words only, and leaves no process behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.processes.liveness import gone, is_alive

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:10001", "head", "head:port"])
def test_an_address_without_a_cluster_is_refused_at_once(address: str, tmp_path: Path) -> None:
    script = (
        "import asyncio, pathlib, sys\n"
        "from workers.pool.failures import PoolFailed\n"
        "from workers.pool.ray_pool import Pool\n"
        "async def main():\n"
        "    try:\n"
        "        async with Pool(1, pathlib.Path(sys.argv[1]), address=sys.argv[2]): pass\n"
        "    except PoolFailed as error: print(error)\n"
        "asyncio.run(main())\n"
    )
    said = subprocess.check_output([sys.executable, "-c", script, str(tmp_path), address], text=True)
    assert said.startswith(f"cannot join the Ray cluster at {address}: ")
    assert said.count("\n") == 1


def test_ray_is_started_again_where_its_processes_do_not_answer_in_time(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, pathlib, sys\n"
        "from ray._private import services\n"
        "from workers.pool.ray_pool import Pool\n"
        "get_node, asked = services.get_node, []\n"
        "def late(*where):\n"
        "    asked.append(where)\n"
        "    if len(asked) < 3: raise Exception('The current node timed out during startup.')\n"
        "    return get_node(*where)\n"
        "services.get_node = late\n"
        "async def main():\n"
        "    async with Pool(1, pathlib.Path(sys.argv[1])) as pool:\n"
        "        print(await pool.run(os.nice, 0, timeout_seconds=100) - os.nice(0))\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")  # its workers are no nicer than the driver


DRIVER = """
import asyncio, ctypes, os, ray, signal, sys, time
from pathlib import Path
import beside
from workers.pool.failures import WorkerLost
from workers.pool.ray_pool import Pool

# Tests that a script runs in the background ignore it, and so would what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

async def main():
    async with Pool(jobs=2, log_dir=Path("logs")) as pool:
        print(await pool.run(beside.read_here, timeout_seconds=60), flush=True)
        try:
            await pool.run(os.abort, timeout_seconds=60, retries=0)
        except WorkerLost:
            print("lost", flush=True)
        pids = set()
        while len(pids) < 2:  # on a loaded machine one worker answers many calls before the other one is up
            pids.add(await pool.run(os.getpid, timeout_seconds=60))
        print(*pids, flush=True)
        if sys.argv[1] == "stuck":  # inside C++, with the lock of the interpreter
            ray.shutdown = lambda: ctypes.PyDLL(None).sleep(1000)
        if sys.argv[1] in ("hang", "stuck"):
            await asyncio.gather(*(pool.run(beside.hang, timeout_seconds=600) for _ in range(2)))

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""
BESIDE = """
import ctypes
from pathlib import Path

def read_here():
    return Path("here.txt").read_text()

def hang():
    ctypes.PyDLL(None).sleep(1000)
"""


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """`driver(mode)`: a script with a module beside it, run from another folder, with a Ray of its own."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text(DRIVER)
    (tmp_path / "app" / "beside.py").write_text(BESIDE)
    (tmp_path / "here.txt").write_text("found")
    started: list[subprocess.Popen[str]] = []

    def start(mode: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(tmp_path / "app" / "main.py"), mode],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_what_ignores_interrupts_goes_on(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal, sys\n"
        "from workers.pool.interrupts import ends_when_interrupted\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "log = pathlib.Path(sys.argv[1])\n"
        "with ends_when_interrupted(log):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN, log.exists())\n"
    )
    said = subprocess.check_output([sys.executable, "-c", script, str(tmp_path / "interrupted.log")], text=True)
    assert said == "True False\n"


@pytest.mark.slow
def test_a_driver_with_its_own_ray_prints_only_its_own_words(
    driver: Callable[[str], subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = driver("end")
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, ""), output
    found, lost, pids = output.splitlines()
    assert (found, lost) == ("found", "lost")
    assert gone(set(map(int, pids.split())))
    assert sorted(log.name for log in (tmp_path / "logs").iterdir()) == ["worker-0.log", "worker-1.log"]


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_driver(driver: Callable[[str], subprocess.Popen[str]], ending: signal.Signals) -> None:
    process = driver("hang")
    assert process.stdout is not None
    pids = set(map(int, [process.stdout.readline() for _ in range(3)][-1].split()))
    assert all(map(is_alive, pids))
    time.sleep(0.5)
    if ending == signal.SIGKILL:
        process.kill()
    else:
        os.killpg(process.pid, ending)
    output, _ = process.communicate(timeout=180)
    assert output == ("interrupted\n" if ending == signal.SIGINT else "")
    assert gone(pids)


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, True])
def test_an_interrupted_driver_ends_though_ray_does_not(
    driver: Callable[[str], subprocess.Popen[str]], tmp_path: Path, again: bool
) -> None:
    """By itself some seconds after the first interrupt, with its stacks in the log; at once at the second."""
    process = driver("stuck")
    assert process.stdout is not None
    pids = set(map(int, [process.stdout.readline() for _ in range(3)][-1].split()))
    os.killpg(process.pid, signal.SIGINT)
    if again:
        time.sleep(2)
        os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert ("__aexit__" in (tmp_path / "logs" / "interrupted.log").read_text()) != again
    assert gone(pids)


@pytest.mark.slow
def test_joins_a_running_cluster_and_leaves_it_running(tmp_path: Path) -> None:
    script = (
        "import asyncio, operator, pathlib, sys\n"
        "from ray.cluster_utils import Cluster\n"
        "from workers.pool.ray_pool import Pool\n"
        "cluster = Cluster(initialize_head=True, head_node_args={'num_cpus': 1})\n"
        "async def main():\n"
        "    for number in range(2):\n"
        "        async with Pool(1, pathlib.Path(sys.argv[1]), address=cluster.address) as pool:\n"
        "            print(await pool.run(operator.add, number, 1, timeout_seconds=60))\n"
        "asyncio.run(main())\n"
        "cluster.shutdown()\n"
    )
    said = subprocess.check_output([sys.executable, "-c", script, str(tmp_path)], text=True, cwd=REPOSITORY)
    assert said.split() == ["1", "2"]


@pytest.mark.slow
def test_a_call_that_outlives_the_pool_is_cancelled_and_has_not_failed(tmp_path: Path) -> None:
    """As where a night is terminated: what was under way then is no failure of the model."""
    script = (
        "import asyncio, operator, pathlib, sys, time\n"
        "from workers.pool.ray_pool import Pool\n"
        "async def main():\n"
        "    async with Pool(1, pathlib.Path(sys.argv[1])) as pool:\n"
        "        await pool.run(operator.add, 1, 1, timeout_seconds=60)\n"
        "        call = asyncio.create_task(pool.run(time.sleep, 600, timeout_seconds=600))\n"
        "        await asyncio.sleep(0.1)\n"
        "    call.cancel()\n"
        "    await asyncio.wait([call])\n"
        "    print(call.cancelled())\n"
        "asyncio.run(main())\n"
    )
    said = subprocess.check_output([sys.executable, "-c", script, str(tmp_path)], text=True, cwd=REPOSITORY)
    assert said == "True\n"
