"""Ratios against a bare forward pass and against other tools: ``python -m benchmarks``."""
