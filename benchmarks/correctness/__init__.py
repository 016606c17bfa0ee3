"""Long checks of correctness: miscompilations, proofs, conformance packs, random models."""
