"""The log of ExecuTorch's arm_executor_runner on a Corstone FVP, put together after the sources: the FVP could not be
run where these tests were made.

A line has the form of `et_pal_emit_log_message` in examples/arm/executor_runner/arm_executor_runner.cpp and the order
of `main` there. The report is that of `StopMeasurements` in arm_perf_monitor.cpp beside it (pytorch/executorch, tag
v1.4.0). The numbers are made up.
"""

from __future__ import annotations

BEGINNING = """\
telnetterminal0: Listening for serial connection on port 5000
I [executorch:arm_executor_runner.cpp:1313 main()] PTE @ 0x38000000 [----ET12]
I [executorch:arm_executor_runner.cpp:540 runner_init()] PTE Model data loaded. Size: 268435456 bytes.
I [executorch:arm_executor_runner.cpp:571 runner_init()] Running method forward
I [executorch:arm_executor_runner.cpp:735 runner_init()] Method 'forward' loaded.
I [executorch:arm_executor_runner.cpp:737 runner_init()] Preparing inputs...
I [executorch:arm_executor_runner.cpp:795 runner_init()] Input prepared.
I [executorch:arm_executor_runner.cpp:1219 run_model()] Starting running 1 inferences...
"""
_REPORT = """\
NPU Inferences : {inferences}
NPU delegations: {delegations} ({each}.00 per inference)
Profiler report, CPU cycles per operator:
ethos-u : cycle_cnt : 18301 cycles (18301.00 per inference)
Operator(s) total: 18301 CPU cycles (18301.00 per inference)
Inference runtime: 216443 CPU cycles total (216443.00 per inference)
NOTE: CPU cycle values and ratio calculations require FPGA and identical CPU/NPU frequency
Inference CPU ratio: 99.98 %
Inference NPU ratio: 0.02 %
cpu_wait_for_npu_cntr : 51 CPU cycles (51.00 per inference)
Ethos-U PMU report:
ethosu_pmu_cycle_cntr : {cycles} ({cycles}.00 per inference)
ethosu_pmu_cntr0 : 31088 (31088.00 per inference)
ethosu_pmu_cntr1 : 9421 (9421.00 per inference)
ethosu_pmu_cntr2 : 27005 (27005.00 per inference)
ethosu_pmu_cntr3 : 503 (503.00 per inference)
Ethos-U PMU Events:[ETHOSU_PMU_AXI0_RD_DATA_BEAT_RECEIVED, ETHOSU_PMU_AXI1_RD_DATA_BEAT_RECEIVED, \
ETHOSU_PMU_AXI0_WR_DATA_BEAT_WRITTEN, ETHOSU_PMU_NPU_IDLE]
"""
END = """\
I [executorch:arm_executor_runner.cpp:1246 run_model()] 1 inferences finished
I [executorch:arm_executor_runner.cpp:1010 print_outputs()] 1 outputs:\N{SPACE}
Output[0][0]: (float) -0.020373
I [executorch:arm_executor_runner.cpp:1248 run_model()] Model run: 1
I [executorch:arm_executor_runner.cpp:1372 main()] Model run: 1
I [executorch:arm_executor_runner.cpp:925 log_mem_status()] method_allocator_planned:  752640 bytes
I [executorch:arm_executor_runner.cpp:1379 main()] Program complete, exiting.
I [executorch:arm_executor_runner.cpp:1383 main()] \04

Info: /OSCI/SystemC: Simulation stopped by user.
"""


def report(cycles: object, delegations: object = 2, inferences: object = 1, each: object = 2) -> str:
    """A whole log; values as they are to stand in it."""
    middle = _REPORT.format(cycles=cycles, delegations=delegations, inferences=inferences, each=each)
    said = "".join(
        f"I [executorch:arm_perf_monitor.cpp:{150 + at} StopMeasurements()] {line}\n"
        for at, line in enumerate(middle.splitlines())
    )
    return BEGINNING + said + END
