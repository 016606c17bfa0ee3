"""Stream cycles: the cost of the operations in a command stream, from only the stream and the target.

cost = stream_cycles(decode(compiled.command_stream), target)
cost.total_cycles, cost.operations[0].cycles
"""

from workers.ethos_u.cost.stream_cost.cost import OperationCost, StreamCost, stream_cycles

#: Raised when the same stream begins to cost something else; results under another version are other results.
MODEL_VERSION = "3"

__all__ = ["MODEL_VERSION", "OperationCost", "StreamCost", "stream_cycles"]
