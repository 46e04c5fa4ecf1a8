"""Training loops as people write them: not a bit of any is changed by slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from torch._dynamo.utils import counters
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset
from transformers import GPT2Config, GPT2LMHeadModel

import pysclice as ps
from tests.integrations.training import deterministic, differences, random_states, seed
from tests.models import SmallConvNet, images

pytestmark = [
    # The compiler's own look at what it traces.
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf"),
    # peft asks transformers by an older name.
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
]


class Checkpointed(SmallConvNet):
    """Computes its hidden layer once more in the backward pass, dropout and all."""

    def forward(self, images: Tensor) -> Tensor:
        def hidden(images: Tensor) -> Tensor:
            return self.drop(torch.tanh(self.conv(images)).flatten(1))

        return self.fc(checkpoint(hidden, images, use_reentrant=False))


class Collecting(SmallConvNet):
    """Keeps what it saw, as many a model that is looked at does."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []
        self.counts: dict[str, Any] = {"calls": 0, "means": []}

    def forward(self, images: Tensor) -> Tensor:
        outputs = super().forward(images)
        self.seen.append(outputs.detach().mean())
        self.counts["calls"] += 1
        self.counts["means"].append(float(images.mean()))
        return outputs


class PartlyCompiled(SmallConvNet):
    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.compile(self.fc, backend="eager")  # type: ignore[assignment]  # as people do


def gpt2() -> GPT2LMHeadModel:
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=16, n_positions=8, n_embd=16, n_layer=2, n_head=2, bos_token_id=0,
            eos_token_id=0, loss_type="ForCausalLM",
        )
    )  # fmt: skip


def checkpointed_gpt2() -> GPT2LMHeadModel:
    model = gpt2()
    model.activation_checkpointing_enable({"use_reentrant": False})
    return model


def lora() -> Any:
    config = LoraConfig(r=2, target_modules=["c_attn"], lora_dropout=0.1, fan_in_fan_out=True)
    return get_peft_model(gpt2(), config)


def sgd(parameters: Iterator[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, 0.05, momentum=0.9, nesterov=True)


def adam(**options: Any) -> Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.AdamW(parameters, 0.01, **options)


@dataclass(frozen=True)
class Loop:
    model: Callable[[], nn.Module] = SmallConvNet
    optimizer: Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer] = sgd
    language: bool = False
    accumulate: int = 1
    autocast: torch.dtype | None = None
    scaler: bool = False
    scheduled: bool = False
    average: Callable[[nn.Module], AveragedModel] | None = None
    compiled: str | None = None


LOOPS = {
    "plain": Loop(),
    "accumulated": Loop(accumulate=3),
    "autocast": Loop(autocast=torch.bfloat16),
    "scaler": Loop(autocast=torch.float16, scaler=True),
    "scheduled": Loop(scheduled=True),
    "foreach Adam": Loop(optimizer=adam(foreach=True)),
    "fused Adam": Loop(optimizer=adam(fused=True, amsgrad=True)),
    "moving average": Loop(
        average=lambda model: AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    ),
    "stochastic weight average": Loop(average=lambda m: AveragedModel(m, use_buffers=True)),
    "compiled": Loop(compiled="aot_eager"),
    "partly compiled": Loop(model=PartlyCompiled),
    "checkpointed": Loop(model=Checkpointed),
    "collecting": Loop(model=Collecting),
    "language model": Loop(model=gpt2, language=True, optimizer=adam()),
    "checkpointed language model": Loop(model=checkpointed_gpt2, language=True, optimizer=adam()),
    "adapters": Loop(model=lora, language=True, optimizer=adam()),
}

SLICERS = {
    "plane": ps.Plane(ps.Random(0), ps.Random(1), samples=3),
    "gradient": ps.Line(ps.Gradient(), samples=3),
}


def train(loop: Loop, directory: Path | None = None) -> dict[str, Any]:
    """Two epochs; everything that training leaves behind."""
    torch._dynamo.reset()
    counters.clear()
    seed(0)
    if loop.language:
        tokens = torch.randint(0, 16, (24, 8), generator=torch.Generator().manual_seed(0))
        dataset = TensorDataset(tokens, tokens)
    else:
        dataset = TensorDataset(*images(24))
    loader = DataLoader(dataset, batch_size=4, shuffle=True)
    original = loop.model()
    model: Any = original
    if loop.compiled is not None:
        model = torch.compile(original, backend=loop.compiled)
    optimizer = loop.optimizer(p for p in model.parameters() if p.requires_grad)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=12)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, enabled=loop.scaler)
    average = loop.average(model) if loop.average is not None else None
    model.train()

    def loss_of(model: Any, batch: Any) -> Any:
        inputs, targets = batch
        if loop.language:
            return model(input_ids=inputs, labels=targets).loss
        return nn.functional.cross_entropy(model(inputs), targets)

    logger = None
    if directory is not None:
        # Of the loader that trains: reading it must not change what comes next.
        surface = ps.LossSurface(
            model if average is None else average,
            data={"train": loader},
            batch_loss=loss_of,
            cache_bytes=0,
        )
        logger = ps.SliceLogger(directory, surface, SLICERS, every=3, optimizer=optimizer)
    losses, graphs, step = [], [], 0
    for epoch in range(2):
        for number, batch in enumerate(loader):
            with torch.autocast("cpu", loop.autocast) if loop.autocast else nullcontext():
                loss = loss_of(model, batch)
            losses.append(loss.detach().clone())
            scaler.scale(loss / loop.accumulate).backward()
            # Where gradients are half accumulated, they are there while a slice is taken.
            if logger is not None:
                before = dict(counters["stats"]), dict(counters["frames"])
                assert torch.is_grad_enabled()
                logger.log_if_due(step, epoch)
                assert (dict(counters["stats"]), dict(counters["frames"])) == before
            if (number + 1) % loop.accumulate == 0:
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad()
                if loop.scheduled:
                    schedule.step()
                if average is not None:
                    average.update_parameters(model)
            step += 1
        graphs.append(counters["stats"]["unique_graphs"])
    if logger is not None:
        logger.close()
    return {
        "model": dict(original.state_dict()),
        "modes": [module.training for module in original.modules()],
        "average": dict(average.state_dict()) if average is not None else None,
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.get_last_lr(),
        "scaler": scaler.state_dict(),
        "random": random_states(),
        "losses": losses,
        "graphs": graphs,
        "collected": [getattr(original, name, None) for name in ("seen", "counts")],
    }


@pytest.mark.parametrize("name", LOOPS)
def test_not_a_bit_of_training_is_changed(name: str, tmp_path: Path) -> None:
    loop = LOOPS[name]
    with deterministic():
        alone = train(loop)
        sliced = train(loop, tmp_path)
    assert differences(alone, sliced) == []
    assert len(set(map(float, alone["losses"]))) > 6  # it does train
    logged = ps.read_slices(tmp_path)["."]
    assert {series: list(steps) for series, steps in logged.items()} == {
        "plane": [0, 3, 6, 9, 11],
        "gradient": [0, 3, 6, 9, 11],
    }
    for steps in logged.values():
        for slice_ in steps.values():
            assert slice_.examples == 24
            assert torch.tensor(slice_.losses.copy()).isfinite().all()
    rates = [slice_.notes["learning_rate"] for slice_ in logged["plane"].values()]
    assert (len(set(rates)) > 1) == loop.scheduled
    if loop.compiled:
        assert alone["graphs"][-1] > 0


def test_the_average_is_what_is_sliced(tmp_path: Path) -> None:
    model = SmallConvNet()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    surface = ps.LossSurface(average, nn.CrossEntropyLoss(), images(16))
    with ps.SliceLogger(tmp_path, surface, {"line": SLICERS["gradient"]}) as logger:
        logger.log(0)
    slice_ = ps.read_slices(tmp_path)["."]["line"][0]
    inputs, targets = images(16)
    average.eval()
    with torch.no_grad():
        expected = float(nn.functional.cross_entropy(average(inputs), targets))
        models = float(nn.functional.cross_entropy(model.eval()(inputs), targets))
    assert slice_.center["train/loss"][0] == pytest.approx(expected, rel=1e-5)
    assert slice_.center["train/loss"][0] != pytest.approx(models, rel=1e-2)


def test_of_an_adapted_model_only_the_adapters_move(tmp_path: Path) -> None:
    seed(0)
    model = lora()
    with torch.no_grad():  # peft starts with adapters that do nothing
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_()
    tokens = torch.randint(0, 16, (6, 8))
    batch = {"input_ids": tokens, "labels": tokens}
    surface = ps.LossSurface(model, data=batch, batch_loss=lambda model, batch: model(**batch))
    names = list(surface.parameters())
    assert len(names) == 4 and all("lora_" in name for name in names)
    slicers = {"axes": ps.AxisParallel(count=3, samples=3), "line": ps.Line(ps.Random(0))}
    with ps.SliceLogger(tmp_path, surface, slicers) as logger:
        taken = logger.log(0)
    assert all("lora_" in axis.name for axis in taken["axes"].axes)
    total = torch.cat([p.flatten() for p in surface.parameters().values()])
    # The direction has the adapters' norm; that of the whole model is far larger.
    assert taken["line"].axes[0].length == pytest.approx(float(total.norm()), rel=1e-3)
    assert float(taken["line"].losses.max() - taken["line"].losses.min()) > 0


def test_reading_a_loader_with_its_own_dice_leaves_them(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(5)
    loader = DataLoader(TensorDataset(*images(16)), 4, shuffle=True, generator=generator)
    expected = [targets for _, targets in loader]
    generator.manual_seed(5)
    surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), loader, cache_bytes=0)
    with ps.SliceLogger(tmp_path, surface, SLICERS) as logger:
        logger.log(0)
        found = []
        for step, (_, targets) in enumerate(loader):
            logger.log(step)
            found.append(targets)
    assert differences(found, expected) == []
