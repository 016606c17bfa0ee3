"""The results service: look up, submit, follow and see results over HTTP.

What it needs of a tuner it takes through `results.service.backend.Backend`; it imports no toolchain, and what reads a
model or tunes is another process.
"""
