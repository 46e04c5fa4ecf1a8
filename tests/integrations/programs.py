"""Trainings of several processes: ``python -m tests.integrations.programs NAME FOLDER``."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.utils.data import DataLoader, Dataset, TensorDataset

import pysclice as ps
from tests.models import SmallConvNet, images

FOLDER = Path(sys.argv[2]) if len(sys.argv) > 2 else Path()
RANK = int(os.environ.get("RANK", 0))
SLICERS: dict[str, Any] = {
    "line": ps.Line(ps.Random(0), samples=5),
    "plane": ps.Plane(ps.Random(0), ps.Random(1), samples=5),
}


def bits(model: nn.Module) -> list[bytes]:
    tensors = [*model.parameters(), *model.buffers()]
    local = [t.to_local() if hasattr(t, "to_local") else t for t in tensors]
    return [t.detach().contiguous().numpy().tobytes() for t in local]


def compared(train: Callable[[bool], list[bytes]]) -> dict[str, Any]:
    """Whether training ends at the same bits with slices as without, and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        same = train(False) == train(True)
    ours = [str(w.message) for w in caught if "slice" in str(w.message)]
    return {"same": same, "warned": ours}


def lightning_of(
    name: str,
    strategy: Any = "ddp",
    divide: bool = False,
    step: Callable[[Any], Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    import lightning.pytorch as pl
    from lightning.pytorch.loggers import TensorBoardLogger

    from pysclice.integrations.lightning import SliceCallback

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = SmallConvNet()

        def configure_model(self) -> None:
            if divide:
                fully_shard(self.net, mesh=self.device_mesh["data_parallel"])

        def training_step(self, batch: Any, batch_idx: int) -> Tensor:
            loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            self.log("loss", loss, sync_dist=True)
            if step is not None:
                step(self)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), 0.01)

    data = options.pop("training_data", None) or TensorDataset(*images(24))

    def train(sliced: bool) -> list[bytes]:
        pl.seed_everything(0, verbose=False)
        module = Module()
        trainer = pl.Trainer(
            accelerator="cpu",
            devices=2,
            strategy=strategy() if callable(strategy) else strategy,
            max_epochs=2,
            callbacks=[SliceCallback(SLICERS, every=2, **options)] if sliced else [],
            logger=TensorBoardLogger(str(FOLDER / name), name="run" if sliced else "", version=""),
            enable_progress_bar=False,
            enable_checkpointing=False,
            enable_model_summary=False,
        )
        trainer.fit(module, DataLoader(data, 4, shuffle=True))
        return bits(module)

    return compared(train)


class Failing(Dataset[Any]):
    """Cannot be copied in the first process, so that no examples can be drawn there."""

    def __len__(self) -> int:
        return 24

    def __getitem__(self, number: int) -> Any:
        inputs, targets = images(24)
        return inputs[number], targets[number]

    def __copy__(self) -> Any:
        raise TypeError("not to be copied")


def lightning() -> Any:
    """All of Lightning's, one after another: to import it takes longer than a training."""
    from lightning.pytorch.strategies import ModelParallelStrategy

    def divided() -> Any:
        return ModelParallelStrategy(data_parallel_size=2, tensor_parallel_size=1)

    def gather(module: Any) -> None:
        module.all_gather(torch.ones(1))

    return {
        "lightning": lightning_of("lightning"),
        "divided": lightning_of("divided", divided, divide=True),
        "alone": lightning_of("alone", process_group=None),
        "without data": lightning_of("without data", training_data=Failing()),
        "gathering": lightning_of("gathering", step=gather),
    }


def transformers() -> Any:
    from transformers import Trainer, TrainingArguments, set_seed

    from pysclice.integrations.transformers import SliceCallback

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = SmallConvNet()

        def forward(self, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
            outputs = self.net(inputs)
            return {"loss": nn.functional.cross_entropy(outputs, labels), "logits": outputs}

    inputs, targets = images(24)
    data = [{"inputs": inputs[n], "labels": targets[n]} for n in range(24)]

    def train(sliced: bool) -> list[bytes]:
        set_seed(0)
        model = Model()
        arguments = TrainingArguments(
            output_dir=str(FOLDER / "transformers" / ("sliced" if sliced else "alone")),
            use_cpu=True,
            ddp_backend="gloo",
            num_train_epochs=2,
            per_device_train_batch_size=4,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
        )
        callbacks = (
            [SliceCallback(SLICERS, every=2, writer=str(FOLDER / "transformers" / "run"))]
            if sliced
            else []
        )
        Trainer(model, arguments, train_dataset=data, callbacks=callbacks).train()
        return bits(model)

    return {"transformers": compared(train)}


def accelerate() -> Any:
    from accelerate import Accelerator
    from accelerate.utils import set_seed

    from pysclice.integrations.accelerate import slice_logger

    def train(sliced: bool) -> list[bytes]:
        set_seed(0)
        accelerator = Accelerator(cpu=True)
        plain = SmallConvNet()
        loader: Any = DataLoader(TensorDataset(*images(24)), batch_size=4, shuffle=True)
        adam: Any = torch.optim.Adam(plain.parameters(), lr=0.01)
        model, optimizer, loader = accelerator.prepare(plain, adam, loader)
        logger = None
        if sliced:
            loss = nn.CrossEntropyLoss()
            logger = slice_logger(
                accelerator,
                model,
                loss,
                loader,
                SLICERS,
                target=FOLDER / "accelerate" / "run",
                every=2,
            )
        step = 0
        for _ in range(2):
            for inputs, targets in loader:
                if logger is not None:
                    logger.log_if_due(step)
                step += 1
                optimizer.zero_grad()
                accelerator.backward(nn.functional.cross_entropy(model(inputs), targets))
                optimizer.step()
        if logger is not None:
            logger.log(step)
            logger.close()
        return bits(plain)

    return {"accelerate": compared(train)}


def main() -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    found = globals()[sys.argv[1]]()
    (FOLDER / f"{sys.argv[1]}-{RANK}.json").write_text(json.dumps(found))
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
