"""``python -m pysclice``, which is the command ``pysclice``."""

import sys

from pysclice.cli import main

if __name__ == "__main__":
    sys.exit(main())
