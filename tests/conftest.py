"""What holds for every test."""

from __future__ import annotations

import torch
from hypothesis import settings

# The same examples every time and no deadline: a test never depends on luck or on a fast machine.
settings.register_profile("pysclice", deadline=None, derandomize=True)
settings.load_profile("pysclice")

# The tensors of tests are tiny: a second thread costs more than it gives.
torch.set_num_threads(1)
