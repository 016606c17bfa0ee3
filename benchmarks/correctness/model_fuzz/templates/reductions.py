"""Fewer values than there were."""

from __future__ import annotations

from benchmarks.correctness.model_fuzz.templates.expressions import expressions

TEMPLATES: dict[int, list[tuple[str, str]]] = {
    -1: expressions(
        "{x}.mean({dim})",
        "{x}.mean({dim}, keepdim=True)",
        "{x}.mean(dim={axes})",
        "{x}.mean({axes}, keepdim=True)",
        "{x}.sum({dim})",
        "{x}.sum(dim={axes}, keepdim=True)",
        "{x}.amax({dim})",
        "{x}.amin({dim}, keepdim=True)",
        "{x}.max({dim})[0]",
        "{x}.min({dim}, keepdim=True).values",
        "torch.amax({x}, dim={axes})",
        "{x}.std({dim})",
        "{x}.var({dim}, unbiased=False, keepdim=True)",
        "torch.logsumexp({x}, {dim})",
        "{x}.norm(dim={dim})",
        "{x}.prod({dim})",
        "({x} > 0).float().sum({dim})",
        "({x} > 0).any({dim}).float()",
        "({x} > -1).all({dim}).float()",
        "{x}.argmax({dim}).float()",
        "{x}.topk(1, dim={dim})[0]",
        "{x}.sort({dim})[0]",
        "{x}.median({dim})[0]",
        "{x}.mean()",
        "{x}.sum()",
        "{x}.max()",
        "{x}.amax()",
        "(({x} - {y}) ** 2).mean()",
        "F.mse_loss({x}, {y})",
        "F.cosine_similarity({x}, {y}, dim={dim})",
        "torch.einsum('...i,...i->...', {x}, {y})",
        "{x}.square().sum({dim})",
    ),
    2: [
        *expressions("{x} @ {x}.t()", "torch.mm({x}, {x}.t())", "torch.cdist({x}, {x})", "torch.outer({x}[0], {x}[0])")
    ],
    3: [*expressions("torch.bmm({x}, {x}.transpose(1, 2))", "torch.einsum('bct,bdt->bcd', {x}, {x})")],
}
