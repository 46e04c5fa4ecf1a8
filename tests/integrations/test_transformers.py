"""Slices inside Hugging Face's Trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn
from torch.utils.data import IterableDataset
from transformers import (
    DataCollatorForLanguageModeling,
    EarlyStoppingCallback,
    GPT2Config,
    GPT2LMHeadModel,
    Trainer,
    TrainingArguments,
)

import pysclice as ps
from pysclice.integrations.transformers import SliceCallback
from tests.integrations.training import deterministic, differences, random_states, seed

pytestmark = [
    # The Trainer's own; peft asks transformers by an older name.
    pytest.mark.filterwarnings(r"ignore:.*pin_memory"),
    pytest.mark.filterwarnings(r"ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings(r"ignore:`gradient_checkpointing:FutureWarning"),
]

SLICERS = {"line": ps.Line(ps.Random(0), samples=3)}


def sentences(count: int = 24, number: int = 0) -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(number)
    tokens = torch.randint(1, 16, (count, 8), generator=generator)
    return [{"input_ids": row, "labels": row} for row in tokens]


def gpt2() -> GPT2LMHeadModel:
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=16, n_positions=8, n_embd=16, n_layer=2, n_head=2, bos_token_id=0,
            eos_token_id=0, loss_type="ForCausalLM",
        )
    )  # fmt: skip


def adapted() -> Any:
    config = LoraConfig(r=2, target_modules=["c_attn"], lora_dropout=0.1, fan_in_fan_out=True)
    return get_peft_model(gpt2(), config)


class Recording(Trainer):  # type: ignore[misc]  # tests are not type-checked against transformers
    """Keeps each batch's loss."""

    losses: list[Tensor]

    def compute_loss(self, *given: Any, **options: Any) -> Any:
        found = super().compute_loss(*given, **options)
        self.losses.append((found[0] if isinstance(found, tuple) else found).detach().clone())
        return found


def trainer_of(directory: Path, model: Any = None, **options: Any) -> Any:
    own = {
        name: options.pop(name)
        for name in ("callbacks", "data_collator", "train_dataset", "eval_dataset")
        if name in options
    }
    arguments = {
        "output_dir": str(directory),
        "num_train_epochs": 2,
        "per_device_train_batch_size": 4,
        "logging_steps": 1,
        "report_to": ["tensorboard"],
        "use_cpu": True,
        "save_strategy": "no",
        "disable_tqdm": True,
        "learning_rate": 0.01,
    }
    trainer = Recording(
        model=model if model is not None else gpt2(),
        args=TrainingArguments(**{**arguments, **options}),
        **{"train_dataset": sentences(), "eval_dataset": sentences(8, 1), **own},
    )
    trainer.losses = []
    return trainer


def left_behind(trainer: Any) -> dict[str, Any]:
    """Everything that training leaves behind."""
    (run,) = {path.parent for path in Path(trainer.args.output_dir).glob("runs/*/events*")}
    events = EventAccumulator(str(run)).Reload()
    timed = ("train/train_runtime", "per_second", "eval/runtime", "eval_runtime")
    return {
        "model": dict(trainer.model.state_dict()),
        "modes": [module.training for module in trainer.model.modules()],
        "optimizer": trainer.optimizer.state_dict(),
        "schedule": trainer.lr_scheduler.state_dict(),
        "random": random_states(),
        "losses": trainer.losses,
        "scalars": {
            tag: [(event.step, event.value) for event in events.Scalars(tag)]
            for tag in sorted(events.Tags()["scalars"])
            if not any(name in tag for name in timed)
        },
        "loaders": len(trainer.accelerator._dataloaders),
    }


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "accumulated": {"gradient_accumulation_steps": 3, "optim": "adamw_torch_fused"},
    "bf16": {"bf16": True, "eval_strategy": "steps", "eval_steps": 4},
    "checkpointed": {
        "gradient_checkpointing": True,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
    },
    "adapters": {"model": adapted},
    "masked": {"data_collator": True},
}


@pytest.mark.parametrize("name", CASES)
def test_training_is_the_same_and_slices_are_in_its_run(name: str, tmp_path: Path) -> None:
    def fit(which: str, *, sliced: bool) -> tuple[Any, dict[str, Any]]:
        seed(0)
        options = dict(CASES[name])
        model = options.pop("model", gpt2)()
        if "data_collator" in options:
            options["data_collator"] = collator()
        trainer = trainer_of(tmp_path / which, model, **options)
        if sliced:
            trainer.add_callback(SliceCallback(SLICERS, trainer=trainer, every=2, validation=True))
        trainer.train()
        return trainer, left_behind(trainer)

    with deterministic():
        _, alone = fit("alone", sliced=False)
        trainer, sliced = fit("sliced", sliced=True)
    assert differences(alone, sliced) == []
    assert len(alone["losses"]) >= 12
    ((run, series),) = ps.read_slices(tmp_path / "sliced").items()
    assert run.startswith("runs/") and "slices" not in run
    steps = 4 if name == "accumulated" else 12
    assert list(series["line"]) == list(range(0, steps + 1, 2))
    last = series["line"][steps]
    assert (last.epoch, last.examples) == (2.0, 24)
    assert last.channels == ("train/loss", "validation/loss")
    if name == "plain":
        model = trainer.model.eval()
        for data, rows in {"train": sentences(), "validation": sentences(8, 1)}.items():
            tokens = torch.stack([row["input_ids"] for row in rows])
            with torch.no_grad():
                loss = float(model(input_ids=tokens, labels=tokens).loss)
            assert last.center[f"{data}/loss"][0] == pytest.approx(loss, rel=1e-4)


def collator() -> Any:
    """Masks words by dice of its own, which slices must not throw."""

    class Masking(DataCollatorForLanguageModeling):  # type: ignore[misc]  # as above
        def __init__(self) -> None:
            self.generator = torch.Generator().manual_seed(3)

        def __call__(self, rows: Any, return_tensors: Any = None) -> Any:
            tokens = torch.stack([row["input_ids"] for row in rows])
            hidden = torch.rand(tokens.shape, generator=self.generator) < 0.3
            noise = torch.rand(tokens.shape) < 0.1
            return {"input_ids": tokens.masked_fill(hidden | noise, 0), "labels": tokens}

    return Masking()


def test_a_callback_that_knows_no_trainer_finds_its_run(tmp_path: Path) -> None:
    trainer_of(tmp_path, callbacks=[SliceCallback(SLICERS, every=5)]).train()
    ((run, series),) = ps.read_slices(tmp_path).items()
    assert list(series["line"]) == [0, 5, 10, 12]
    scalars = {path.parent for path in tmp_path.glob("runs/*/events*")}
    assert scalars == {tmp_path / run}
    assert list((tmp_path / run).glob("slices/events*"))  # a child, that readers show with it


def test_without_tensorboard_slices_have_a_directory_of_their_own(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path, report_to=[], callbacks=[SliceCallback(SLICERS)])
    with pytest.warns(RuntimeWarning, match="no TensorBoard writer"):
        trainer.train()
    (run,) = ps.read_slices(tmp_path)
    assert run.startswith("slices")


def test_of_an_adapted_model_only_the_adapters_move(tmp_path: Path) -> None:
    axes = {"axes": ps.AxisParallel(count=3, samples=3)}
    callback = SliceCallback(axes, every=100)
    trainer_of(tmp_path, adapted(), max_steps=2, callbacks=[callback]).train()
    (series,) = ps.read_slices(tmp_path).values()
    assert list(series["axes"]) == [0, 2]
    assert all("lora_" in axis.name for axis in series["axes"][2].axes)


@pytest.mark.parametrize("broken", ["labels", "loss"])
def test_a_loss_that_fails_is_told_once_and_training_finishes(broken: str, tmp_path: Path) -> None:
    def fails(model: nn.Module, batch: Any) -> Tensor:
        raise ArithmeticError("no such loss.")

    unlabeled = [{"input_ids": row["input_ids"]} for row in sentences()]
    callback = (
        SliceCallback(every=1, data=[{"input_ids": unlabeled[0]["input_ids"][None]}])
        if broken == "labels"
        else SliceCallback(every=1, batch_loss=fails)
    )
    trainer = trainer_of(tmp_path, callbacks=[callback])
    with pytest.warns(RuntimeWarning, match="pysclice takes no slices") as told:
        trainer.train()
    ours = [str(one.message) for one in told if "pysclice" in str(one.message)]
    assert len(ours) == 1
    assert ("returned no loss" if broken == "labels" else "no such loss") in ours[0]
    assert trainer.state.global_step == 12 and ps.read_slices(tmp_path) == {}


def test_validation_data_need_the_trainer(tmp_path: Path) -> None:
    callback = SliceCallback(SLICERS, validation=True)
    trainer = trainer_of(tmp_path, max_steps=1, callbacks=[callback])
    with pytest.warns(RuntimeWarning, match="pass trainer="):
        trainer.train()
    (series,) = ps.read_slices(tmp_path).values()
    assert series["line"][1].channels == ("train/loss",)


def test_several_validation_sets_keep_their_names(tmp_path: Path) -> None:
    sets = {"near": sentences(8, 1), "far": sentences(8, 2)}
    trainer = trainer_of(tmp_path, max_steps=1, eval_dataset=sets)
    trainer.add_callback(SliceCallback(SLICERS, trainer=trainer, validation=True))
    trainer.train()
    (series,) = ps.read_slices(tmp_path).values()
    assert series["line"][1].channels == ("train/loss", "near/loss", "far/loss")


def test_a_training_that_stops_early_has_its_last_slice(tmp_path: Path) -> None:
    trainer = trainer_of(
        tmp_path, num_train_epochs=50, eval_strategy="steps", eval_steps=2, save_strategy="steps",
        save_steps=2, load_best_model_at_end=True, metric_for_best_model="eval_loss",
        greater_is_better=True, callbacks=[EarlyStoppingCallback(1)],
    )  # fmt: skip
    trainer.add_callback(SliceCallback(SLICERS, trainer=trainer, every=1000))
    trainer.train()
    last = trainer.state.global_step
    (series,) = ps.read_slices(tmp_path).values()
    assert list(series["line"]) == [0, last] and last < 300


class Stream(IterableDataset):  # type: ignore[type-arg]  # of rows
    """Goes on where it was left, as many a stream does."""

    def __init__(self) -> None:
        self.position = 0

    def __iter__(self) -> Any:
        rows = sentences(64)
        while self.position < len(rows):
            self.position += 1
            yield rows[self.position - 1]


def test_a_stream_is_not_read_ahead(tmp_path: Path) -> None:
    def fit(which: str, *callbacks: Any) -> list[Tensor]:
        seed(0)
        trainer = trainer_of(
            tmp_path / which, train_dataset=Stream(), max_steps=6, callbacks=list(callbacks)
        )
        trainer.train()
        losses: list[Tensor] = trainer.losses
        return losses

    alone = fit("alone")
    sliced = fit("sliced", SliceCallback(SLICERS, every=3, examples=8))
    assert differences(alone, sliced) == []
    (series,) = ps.read_slices(tmp_path / "sliced").values()
    assert series["line"][6].examples == 8


def test_training_twice_slices_twice(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path, max_steps=2, callbacks=[SliceCallback(SLICERS, writer=tmp_path)])
    trainer.train()
    trainer.train()
    assert list(ps.read_slices(tmp_path)["."]["line"]) == [0, 2]
    files = [path for path in tmp_path.rglob("events*") if "runs" not in path.parts]
    assert len(files) == 2


def test_the_trainers_own_loss_can_be_sliced(tmp_path: Path) -> None:
    seed()
    trainer = trainer_of(tmp_path, gpt2().eval(), label_smoothing_factor=0.1)
    start = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    callback = SliceCallback(
        SLICERS,
        trainer=trainer,
        data=[{name: torch.stack([row[name] for row in sentences()]) for name in sentences()[0]}],
        batch_loss=lambda model, batch: trainer.compute_loss(model, dict(batch)),
        every=100,
    )
    trainer.add_callback(callback)
    trainer.train()
    (run,) = ps.read_slices(tmp_path).values()
    model = gpt2().eval()
    model.load_state_dict(start)
    tokens = torch.stack([row["labels"] for row in sentences()])
    outputs = model(input_ids=tokens).logits[:, :-1]
    expected = nn.functional.cross_entropy(
        outputs.flatten(0, 1), tokens[:, 1:].flatten(), label_smoothing=0.1
    )
    assert run["line"][0].losses[0, 0, 1] == pytest.approx(expected.item(), rel=1e-5)
