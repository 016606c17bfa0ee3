#!/usr/bin/env python3
"""Run the programs of this folder on an FVP or a board, and check their outputs.

Needs Python 3.10 and nothing else. README.md says what has to be built first, and what to do with the results.
"""

from __future__ import annotations

import argparse
import json
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

Described = dict[str, Any]

HERE = Path(__file__).resolve().parent
FORMATS = {"int8": "b", "int16": "h", "int32": "i", "bool": "?"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--fvp", metavar="PROGRAM", help="Arm's Corstone FVP; also give --runner")
    how.add_argument(
        "--command", metavar="TEXT",
        help="what runs a program anywhere else, with {pte}, {inputs} and {out} in it: {inputs} becomes '-i FILE' for "
        "each input, and it must write each output to {out}-0.bin, {out}-1.bin, ...",
    )  # fmt: skip
    how.add_argument(
        "--outputs", metavar="DIR", type=Path, help="compare what was run before: DIR/CASE/SET/out-0.bin, ..."
    )
    parser.add_argument("--runner", metavar="ELF", type=Path, help="ExecuTorch's runner, built for semihosting")
    parser.add_argument("--only", metavar="CASE", nargs="*", help="these cases only")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=300.0, help="of one run")
    parser.add_argument("--results", metavar="FILE", type=Path, default=HERE / "results.json")
    options = parser.parse_args()
    if options.fvp and not options.runner:
        parser.error("--fvp needs --runner")
    pack = json.loads((HERE / "cases.json").read_text())
    results = []
    for case in pack["cases"]:
        if options.only and case["name"] not in options.only:
            continue
        for number, kind in enumerate(case["sets"]):
            answer = judged(options, pack, case, number)
            results.append({"case": case["name"], "set": number, "kind": kind, "answer": answer})
            say(f"{case['name']:<28} {kind:<12} {answer}")
    agree = sum(one["answer"] == "agrees" for one in results)
    say(f"{agree} of {len(results)} runs agree with the TOSA reference model")
    about = {name: value for name, value in pack.items() if name != "cases"}
    options.results.write_text(json.dumps({**about, "results": results}, indent=1) + "\n")
    say(f"written to {options.results}")
    return 0 if agree == len(results) else 1


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def judged(options: argparse.Namespace, pack: Described, case: Described, number: int) -> str:
    """`agrees`, `other answer` to a case's question, where the first difference is, or why there are no outputs."""
    inputs = [HERE / case["name"] / str(number) / f"i{at}.bin" for at in range(case["inputs"])]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        try:
            if options.outputs:
                folder = options.outputs / case["name"] / str(number)
            elif options.fvp:
                run_on_fvp(options, pack["accelerator"], case, inputs, folder)
            else:
                run_by_command(options, case, inputs, folder)
            found = [(folder / f"out-{at}.bin").read_bytes() for at in range(len(case["outputs"]))]
        except (OSError, subprocess.SubprocessError) as error:
            return f"no outputs: {error}"
    expected = [outputs_of(case, number, "expected"), outputs_of(case, number, "otherwise")]
    if found == expected[0]:
        return "agrees"
    if found == expected[1]:
        return "other answer"
    return difference(case["outputs"], expected[0], found)


def outputs_of(case: Described, number: int, which: str) -> list[bytes]:
    paths = [HERE / case["name"] / str(number) / f"{which}-{at}.bin" for at in range(len(case["outputs"]))]
    return [path.read_bytes() for path in paths if path.exists()]


def difference(outputs: list[Described], expected: list[bytes], found: list[bytes]) -> str:
    for at, (output, wanted, have) in enumerate(zip(outputs, expected, found, strict=True)):
        if len(have) != len(wanted):
            return f"differs: output {at} has {len(have)} bytes instead of {len(wanted)}"
        code = FORMATS[output["dtype"]]
        layout = f"<{len(wanted) // struct.calcsize(code)}{code}"
        pairs = list(zip(struct.unpack(layout, have), struct.unpack(layout, wanted), strict=True))
        wrong = [place for place, (is_now, should_be) in enumerate(pairs) if is_now != should_be]
        if wrong:
            is_now, should_be = pairs[wrong[0]]
            first = f"the first at element {wrong[0]}: {is_now} instead of {should_be}"
            return f"differs: {len(wrong)} of {len(pairs)} values of output {at}, {first}"
    return "differs: a truth value is neither 0 nor 1"


def run_on_fvp(
    options: argparse.Namespace, accelerator: str, case: Described, inputs: list[Path], folder: Path
) -> None:
    """With semihosting, as run_fvp.sh and test/runner_utils.py in backends/arm of ExecuTorch."""
    shutil.copyfile(HERE / case["name"] / "program.pte", folder / "p.pte")
    for at, path in enumerate(inputs):
        shutil.copyfile(path, folder / f"i{at}.bin")
    words = ["executor_runner", "-m", "p.pte", "-o", "out"]
    for at in range(len(inputs)):
        words += ["-i", f"i{at}.bin"]
    macs = accelerator.rsplit("-", 1)[1]
    if "u85" in accelerator:
        board, npu, cpu = "mps4_board", "mps4_board.subsystem.ethosu", "mps4_board.subsystem.cpu0"
        more = {"vis_hdlcd.disable_visualisation": "1", "mps4_board.uart0.unbuffered_output": "1"}
    else:
        board, npu, cpu, more = "mps3_board", "ethosu", "cpu0", {}
    parameters = {
        f"{npu}.num_macs": macs,
        f"{board}.visualisation.disable-visualisation": "1",
        f"{board}.telnetterminal0.start_telnet": "0",
        f"{board}.uart0.out_file": "-",
        f"{board}.uart0.shutdown_on_eot": "1",
        f"{cpu}.semihosting-enable": "1",
        f"{cpu}.semihosting-stack_base": "0",
        f"{cpu}.semihosting-heap_limit": "0",
        f"{cpu}.semihosting-cwd": str(folder),
        f"{cpu}.semihosting-cmd_line": " ".join(words),
        **more,
    }
    settings = [word for name, value in parameters.items() for word in ("-C", f"{name}={value}")]
    command = [options.fvp, *settings, "-a", str(options.runner), "--timelimit", str(int(options.timeout))]
    execute(command, options.timeout)


def run_by_command(options: argparse.Namespace, case: Described, inputs: list[Path], folder: Path) -> None:
    given = " ".join(f"-i '{path}'" for path in inputs)
    names = {"pte": f"'{HERE / case['name'] / 'program.pte'}'", "inputs": given, "out": f"'{folder / 'out'}'"}
    execute(["sh", "-c", options.command.format(**names)], options.timeout)


def execute(command: list[str], seconds: float) -> None:
    """Run something; what it printed is shown only if it fails."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds + 10
    )
    if done.returncode:
        lines = done.stdout.decode("utf-8", "replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "nothing said")
        raise OSError(f"it ended with status {done.returncode}: {said}")


if __name__ == "__main__":
    sys.exit(main())
