"""Slices at chosen steps of a training loop, which are written where TensorBoard looks."""

from pysclice.logger.slice_logger import SliceLogger

__all__ = ["SliceLogger"]
