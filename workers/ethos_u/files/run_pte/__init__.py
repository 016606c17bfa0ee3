"""Run a `.pte` that ExecuTorch wrote on this machine.

Its Ethos-U delegates run by the NPU model, the rest by PyTorch.

    outputs = run_pte(Path("model.pte"), [image])

Nothing in the file is unpickled or executed: ExecuTorch's flatbuffer reader takes it apart, and only operators that
ExecuTorch's own kernel libraries have are called.
"""

from workers.ethos_u.files.run_pte.program import Input, PteProgram, RunDelegate, run_delegate, run_pte

__all__ = ["Input", "PteProgram", "RunDelegate", "run_delegate", "run_pte"]
