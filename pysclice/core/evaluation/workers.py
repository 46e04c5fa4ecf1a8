"""Points shared among threads, each of which computes with a single core.

Torch lets go of Python's lock while it computes, and one core a point beats all cores on one point
after another, which wait for each other at the end of every function.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import torch

from pysclice.core.averages import Results
from pysclice.core.evaluation.work import MovableModel, Prepared

Take = Callable[[Sequence[int], Sequence[Results]], None]


def evaluate_blocks(
    prepared: Prepared,
    blocks: Sequence[Sequence[int]],
    loss_of_each: bool | None,
    take: Take,
    model: MovableModel,
    workers: int,
) -> None:
    """Evaluate blocks of points and hand over what they give, one at a time.

    Args:
        prepared: gives evaluators.
        blocks: numbers of points.
        loss_of_each: see ``Evaluator``.
        take: called with each block and its results, in any order.
        model: whose interrupts are delivered.
        workers: number of threads; 1 for the calling one.
    """
    if workers == 1:
        evaluator = prepared.evaluator()
        for block in blocks:
            take(block, evaluator(block, loss_of_each))
            model.interrupts.deliver()
        return
    rest: Iterator[Sequence[int]] = iter(blocks)
    taking, asking = threading.Lock(), threading.Lock()
    over = threading.Event()

    def work() -> None:
        torch.set_num_threads(1)  # of this thread
        with torch.no_grad(), model.work.precision():
            evaluator = prepared.evaluator()
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
        with ThreadPoolExecutor(workers, thread_name_prefix="pysclice") as pool:
            futures = [pool.submit(work) for _ in range(workers)]
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
