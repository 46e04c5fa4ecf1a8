"""Slicing checkpoints that training has left behind: alone, or divided among many processes."""
