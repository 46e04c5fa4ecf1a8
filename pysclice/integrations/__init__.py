"""The logger inside the training loops of other libraries; each file needs the one of its name.

Import by path: ``from pysclice.integrations.lightning import SliceCallback``.
"""
