"""Stream cycles: what the operations in a command stream cost, by nothing but what is in the stream and the target.

cost = stream_cycles(decode(compiled.command_stream), target)
cost.total_cycles, cost.operations[0].cycles
"""

from workers.stream_cost.cost import OperationCost, StreamCost, stream_cycles

__all__ = ["OperationCost", "StreamCost", "stream_cycles"]
