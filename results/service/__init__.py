"""The results service: look up, submit, follow and see results over HTTP.

What it needs of a tuner it takes through `results.service.backend.Backend`. It imports no toolchain. What reads a model
or tunes is another process.
"""
