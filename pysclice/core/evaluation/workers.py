"""Points shared among threads, each of which computes with a single core.

Torch lets go of Python's lock while it computes, and one core a point beats all cores on one point
after another, which wait for each other at the end of every function.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext

import torch

from pysclice.core.averages import Results
from pysclice.core.evaluation.work import Evaluator, MovableModel

Take = Callable[[Sequence[int], Sequence[Results]], None]


def evaluate_blocks(
    evaluators: Sequence[Evaluator],
    blocks: Sequence[Sequence[int]],
    loss_of_each: bool | None,
    take: Take,
    model: MovableModel,
    heap: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Evaluate blocks of points and hand over what they give, one at a time.

    Args:
        evaluators: a thread each; a single one works in the calling thread.
        blocks: numbers of points.
        loss_of_each: see ``Evaluator``.
        take: called with each block and its results, in any order.
        model: whose interrupts are delivered.
        heap: what each thread evaluates in.
    """
    if len(evaluators) == 1:
        (evaluator,) = evaluators
        with heap():
            for block in blocks:
                take(block, evaluator(block, loss_of_each))
                model.interrupts.deliver()
        return
    rest: Iterator[Sequence[int]] = iter(blocks)
    taking, asking = threading.Lock(), threading.Lock()
    over = threading.Event()

    def work(evaluator: Evaluator) -> None:
        torch.set_num_threads(1)  # of this thread
        with torch.no_grad(), model.work.precision(), heap():
            while not over.is_set():
                with asking:
                    block = next(rest, None)
                if block is None:
                    return
                results = evaluator(block, loss_of_each)
                with taking:
                    take(block, results)

    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(len(evaluators), thread_name_prefix="pysclice") as pool:
            futures = [pool.submit(work, evaluator) for evaluator in evaluators]
            try:
                while wait(futures, timeout=0.05, return_when=FIRST_EXCEPTION).not_done:
                    model.interrupts.deliver()
                    if any(future.done() and future.exception() for future in futures):
                        break
            finally:
                over.set()
        for future in futures:
            future.result()
    finally:
        # New threads take over the number that was set last, in whichever thread.
        torch.set_num_threads(threads)
