"""Matching of hidden units: exact symmetries, known permutations, brute force over all orders."""

from __future__ import annotations

import copy
import doctest
import itertools
import random
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call

from pysclice.core import permutations as module
from pysclice.core.permutations import (
    UnitDimension,
    UnitGroup,
    match_units,
    permutation_groups,
    permuted,
)
from tests.core.test_untouched import state_of
from tests.models import SmallConvNet

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
Group = Sequence[tuple[str, int] | tuple[str, int, int]]


def tensors_of(model: nn.Module) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def lively(model: nn.Module, seed: int = 0) -> nn.Module:
    """The model in float64, no two units alike: running statistics and scales are drawn, too."""
    generator = torch.Generator().manual_seed(seed)
    model = model.double().eval()
    for tensor in tensors_of(model).values():
        if tensor.is_floating_point():
            drawn = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
            # Variances have to be positive; scales near 1 keep deep networks from vanishing.
            tensor.data.copy_(drawn.abs() + 0.5 if tensor.ndim < 2 else 0.5 * drawn)
    return model


def drawn_permutations(groups: list[UnitGroup], seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randperm(group.size, generator=generator) for group in groups]


def inputs_for(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=dtype)


def outputs_of(model: nn.Module, tensors: dict[str, Tensor], example: Any) -> list[Tensor]:
    args = example if isinstance(example, tuple) else (example,)
    with torch.no_grad():
        outputs = functional_call(model, tensors, args)
    if isinstance(outputs, Tensor):
        return [outputs]
    return list(outputs.values() if isinstance(outputs, dict) else outputs)


def assert_unchanged(model: nn.Module, groups: list[UnitGroup], example: Any) -> None:
    """Any order of the units gives the same outputs."""
    tensors = tensors_of(model)
    before = outputs_of(model, tensors, example)
    for seed in range(3):
        moved = permuted(groups, drawn_permutations(groups, seed), tensors)
        after = outputs_of(model, moved, example)
        for one, two in zip(before, after, strict=True):
            torch.testing.assert_close(two, one, rtol=1e-9, atol=1e-9)


class Net(nn.Module):
    """Modules by name and a forward pass given as a function of them and the inputs."""

    def __init__(self, forward: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        for name, part in parts.items():
            if isinstance(part, Tensor) and not isinstance(part, nn.Parameter):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)
        self._run = forward

    def forward(self, *inputs: Any) -> Any:
        return self._run(self, *inputs)


def mlp(width: int = 8) -> nn.Module:
    return nn.Sequential(
        nn.Linear(5, width), nn.ReLU(), nn.Linear(width, width + 1), nn.Tanh(), nn.Linear(9, 3)
    )


class Block(nn.Module):
    """A residual block, with a projection where the number of channels changes."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.skip = nn.Sequential()
        if inputs != outputs:
            self.skip = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.bn1(self.conv1(x)), inplace=True)
        hidden = self.bn2(self.conv2(hidden))
        hidden += self.skip(x)
        return F.relu(hidden)


def resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        Block(6, 6),
        Block(6, 6),
        Block(6, 10, stride=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(10, 4),
    )


def shared_stream() -> nn.Module:
    """Three additions onto one stream, whose layers have the stream on both sides."""
    return Net(
        lambda m, x: m.head(m.last(m.norm(m.stem(x)) + m.one(m.stem(x)).relu()) + m.stem(x)),
        stem=nn.Linear(5, 7),
        one=nn.Linear(7, 7),
        norm=nn.LayerNorm(7),
        last=nn.Linear(7, 7),
        head=nn.Linear(7, 3),
    )


CONV_NET = [[("conv.weight", 0), ("conv.bias", 0), ("norm.weight", 0), ("norm.bias", 0),
             ("fc.weight", 1, 36), ("norm.running_mean", 0), ("norm.running_var", 0)]]  # fmt: skip


# ---- which units may change places


def test_the_groups_of_a_convolutional_network_name_every_tensor_along_its_channels() -> None:
    [group] = permutation_groups(SmallConvNet(), torch.zeros(2, 1, 8, 8))
    assert group.size == 6
    assert [(m.tensor, m.dimension, m.block) for m in group.members] == [
        (name, dimension, *(block or (1,))) for name, dimension, *block in CONV_NET[0]
    ]
    # The paper's objective is of parameters; running statistics would outweigh them.
    assert [m.tensor for m in group.members if not m.compared] == [
        "norm.running_mean",
        "norm.running_var",
    ]


def depthwise() -> nn.Module:
    """An inverted residual with squeeze and excitation, and a depthwise multiplier of 2."""

    def forward(m: Any, x: Tensor) -> Tensor:
        x = F.relu6(m.stem(x))
        hidden = F.hardswish(m.norm(m.deep(F.silu(m.up(x)))))
        scale = m.two(F.relu(m.one(F.adaptive_avg_pool2d(hidden, 1)))).sigmoid()
        x = x + m.down(hidden * scale)
        return m.head(m.wide(x).mean((2, 3)))

    return Net(
        forward,
        stem=nn.Conv2d(3, 4, 3, padding=1),
        up=nn.Conv2d(4, 8, 1),
        deep=nn.Conv2d(8, 8, 3, padding=1, groups=8),
        norm=nn.BatchNorm2d(8),
        one=nn.Conv2d(8, 3, 1),
        two=nn.Conv2d(3, 8, 1),
        down=nn.Conv2d(8, 4, 1),
        wide=nn.Conv2d(4, 8, 3, groups=4),
        head=nn.Linear(8, 2),
    )


def tied_autoencoder() -> nn.Module:
    return Net(
        lambda m, x: (m.up(x) + m.bias).tanh() @ m.up.weight + m.down.bias,
        up=nn.Linear(5, 7, bias=False),
        bias=nn.Parameter(torch.zeros(7)),
        down=nn.Linear(7, 5),
    )


def language_model() -> nn.Module:
    """The weights of embedding and head are one tensor of two names."""
    model = Net(
        lambda m, ids: m.head(m.norm(m.embed(ids) + m.place + m.feed(m.embed(ids)))),
        embed=nn.Embedding(9, 6),
        place=nn.Parameter(torch.zeros(1, 4, 6)),
        feed=nn.Sequential(nn.Linear(6, 10), nn.GELU(), nn.Linear(10, 6)),
        norm=nn.RMSNorm(6),
        head=nn.Linear(6, 9, bias=False),
    )
    model.head.weight = model.embed.weight  # type: ignore[union-attr]
    return model


def bag_of_words() -> nn.Module:
    """Tokens keep their numbers; each has a vector of units."""
    return Net(
        lambda m, ids: m.head(m.embed(ids).mean(1).relu()),
        embed=nn.Embedding(9, 6),
        head=nn.Linear(6, 2),
    )


def decoder() -> nn.Module:
    """From a code to an image: units that own 9 pixels, (depthwise) transposed convolutions."""
    return Net(
        lambda m, x: m.last(F.prelu(m.deep(m.up(m.one(x).view(-1, 4, 3, 3))), m.slope)),
        one=nn.Linear(5, 36),
        up=nn.ConvTranspose2d(4, 6, 2, stride=2),
        deep=nn.ConvTranspose2d(6, 12, 3, groups=6),
        slope=nn.Parameter(torch.full((12,), 0.3)),
        last=nn.Conv2d(12, 1, 1),
    )


def one_dimensional() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(2, 6, 3),
        nn.InstanceNorm1d(6, affine=True, track_running_stats=True),
        nn.PReLU(6),
        nn.MaxPool1d(2),
        nn.ReflectionPad1d(1),
        nn.Upsample(scale_factor=2),
        nn.Conv1d(6, 4, 3),
        nn.GroupNorm(1, 4),
        nn.Dropout1d(),
        nn.Flatten(),
        nn.Linear(48, 3),
    )


def channels_last() -> nn.Module:
    """Layer norm over channels moved to the end and back, a scale a channel: a ConvNeXt block."""

    def forward(m: Any, x: Tensor) -> Tensor:
        x = m.stem(x)
        hidden = m.norm(m.deep(x).permute(0, 2, 3, 1))
        hidden = m.two(F.gelu(m.one(hidden))).movedim(-1, 1)
        x = x + m.scale * hidden
        return m.head(x.amax(-1).mean(dim=-1, keepdim=True)[:, :, 0].T.mT)

    return Net(
        forward,
        stem=nn.Conv2d(3, 6, 2, stride=2),
        deep=nn.Conv2d(6, 6, 3, padding=1, groups=6),
        norm=nn.LayerNorm(6),
        one=nn.Linear(6, 12),
        two=nn.Linear(12, 6),
        scale=nn.Parameter(torch.ones(6, 1, 1)),
        head=nn.Linear(6, 2),
    )


def used_twice() -> nn.Module:
    """One layer at two places: its units are those of both."""
    return Net(
        lambda m, x: m.head(m.core(m.core(m.stem(x)).relu()).relu()),
        stem=nn.Linear(5, 6),
        core=nn.Linear(6, 6),
        head=nn.Linear(6, 3),
    )


def in_plain_torch() -> nn.Module:
    """Products of matrices and buffers, control flow that no symbolic trace could follow."""

    def forward(m: Any, x: Tensor) -> dict[str, Tensor]:
        hidden = torch.addmm(m.bias, x, m.one.t()) * m.mask
        if float(hidden.abs().sum()) > 0 and x.shape[0] > 1:
            hidden = hidden.clone().sub_(m.center).clamp_(min=-3)
        for _ in range(2):
            hidden = torch.where(hidden > 0, hidden, 0.1 * hidden)
        hidden.mul_(hidden.std(1, keepdim=True))
        return {"logits": torch.matmul(hidden.unsqueeze(1), m.two).squeeze(1)}

    return Net(
        forward,
        one=nn.Parameter(torch.zeros(7, 5)),
        bias=nn.Parameter(torch.zeros(7)),
        mask=torch.zeros(7),
        center=torch.zeros(1, 7),
        two=nn.Parameter(torch.zeros(7, 3)),
    )


def attention(mix: Callable[..., Tensor]) -> nn.Module:
    """Attention of 2 heads, and a perceptron, on one stream."""

    def forward(m: Any, x: Tensor) -> Tensor:
        x = m.stem(x)
        q, k, v = (part(x).view(2, 3, 2, 4).transpose(1, 2) for part in (m.q, m.k, m.v))
        mixed = mix(q, k, v, m.mask)
        x = x + m.out(mixed.transpose(1, 2).reshape(2, 3, 8))
        return m.head(x + m.mlp(x))

    return Net(
        forward,
        stem=nn.Linear(5, 6),
        mlp=nn.Sequential(nn.Linear(6, 9), nn.GELU(), nn.Linear(9, 6)),
        q=nn.Linear(6, 8),
        k=nn.Linear(6, 8, bias=False),  # One would cancel in the softmax.
        v=nn.Linear(6, 8),
        out=nn.Linear(8, 6),
        mask=torch.zeros(2, 3, 3),
        head=nn.Linear(6, 2),
    )


def by_products(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return ((q @ k.mT) / 2 + mask).softmax(-1) @ v


def group_norm_of_blocks() -> nn.Module:
    """Each of 4 units owns 6 channels after the view, in two groups of 3."""
    return nn.Sequential(
        nn.Linear(5, 24),
        nn.Unflatten(1, (24, 1)),
        nn.Conv1d(24, 24, 1, groups=24),
        nn.Flatten(),
        Net(lambda m, x: x.view(-1, 4, 6) * m.scale, scale=nn.Parameter(torch.ones(4, 1))),
        nn.Flatten(1),
        nn.GroupNorm(8, 24),
        nn.Linear(24, 2),
    )


IMAGES = inputs_for(2, 3, 8, 8)
ROWS = inputs_for(4, 5)
POSITIONS = inputs_for(2, 3, 5)
IDS = torch.tensor([[1, 2, 3, 8], [4, 0, 1, 1]])

# What may change places: the sizes of the groups.
KNOWN: dict[str, tuple[Callable[[], nn.Module], Any, list[int]]] = {
    "mlp": (mlp, ROWS, [8, 9]),
    "conv net": (SmallConvNet, inputs_for(2, 1, 8, 8), [6]),
    "resnet": (resnet, IMAGES, [6, 6, 6, 10, 10]),
    "shared stream": (shared_stream, ROWS, [7]),
    "depthwise": (depthwise, IMAGES, [4, 8, 3]),
    "tied autoencoder": (tied_autoencoder, ROWS, [7]),
    "language model": (language_model, IDS, [6, 10]),
    "bag of words": (bag_of_words, IDS, [6]),
    "decoder": (decoder, ROWS, [6, 4]),
    "one-dimensional": (one_dimensional, inputs_for(2, 2, 12), [6, 4]),
    "channels last": (channels_last, IMAGES, [6, 12]),
    "used twice": (used_twice, ROWS, [6]),
    "plain torch": (in_plain_torch, ROWS, [7]),
    "attention": (lambda: attention(F.scaled_dot_product_attention), POSITIONS, [6, 9, 2]),
    "attention by products": (lambda: attention(by_products), POSITIONS, [6, 9, 2]),
    "group norm of blocks": (group_norm_of_blocks, ROWS, [4]),
}


@pytest.mark.parametrize("name", KNOWN)
def test_outputs_stay_when_units_change_places(name: str) -> None:
    make, example, sizes = KNOWN[name]
    model = lively(make())
    groups = permutation_groups(model, example)
    assert [group.size for group in groups] == sizes
    assert_unchanged(model, groups, example)


@pytest.mark.parametrize("name", KNOWN)
def test_outputs_stay_to_1e_5_in_single_precision(name: str) -> None:
    make, example, _ = KNOWN[name]
    torch.manual_seed(0)
    model = make().eval()
    example = example.float() if example.is_floating_point() else example
    groups = permutation_groups(model, example)
    moved = permuted(groups, drawn_permutations(groups), tensors_of(model))
    [before] = outputs_of(model, tensors_of(model), example)
    [after] = outputs_of(model, moved, example)
    torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", KNOWN)
def test_every_group_counts(name: str) -> None:
    # Each tensor that a group names has to move: leaving one out changes the outputs.
    make, example, _ = KNOWN[name]
    model = lively(make())
    tensors = tensors_of(model)
    before = outputs_of(model, tensors, example)
    for group in permutation_groups(model, example):
        order = torch.arange(group.size).roll(1)
        moved = permuted([group], [order], tensors)
        for member in group.members:
            if member.tensor not in tensors:
                continue  # A second name.
            after = outputs_of(model, moved | {member.tensor: tensors[member.tensor]}, example)
            changes = [(a - b).abs().max() for a, b in zip(after, before, strict=True)]
            assert max(changes) > 1e-6, (name, member)


def unknown(operation: Callable[..., Any], **parts: Any) -> Callable[[], nn.Module]:
    """Two layers with 6 hidden units between them, to which something is done."""
    return lambda: Net(
        lambda m, x: m.down(operation(m, m.up(x))),
        up=nn.Linear(5, 6),
        down=nn.Linear(6, 3),
        **parts,
    )


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor) -> Tensor:
        return torch.from_numpy(hidden.detach().numpy()[:, ::-1].copy())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


def set_items(m: Any, h: Tensor) -> Tensor:
    h[:, 0] = 0
    return h


def write_elsewhere(m: Any, h: Tensor) -> Tensor:
    result = torch.zeros(len(h), 6, dtype=h.dtype)
    torch.mul(h, 2, out=result.view(len(h), 6))
    return result


def written_through_a_view(m: Any, h: Tensor) -> Tensor:
    result = torch.zeros(len(h), 6, dtype=h.dtype)
    result.view(-1, 2, 3).add_(h.view(-1, 2, 3))
    return result


class Hooked(nn.Linear):
    """Its units are reversed by a hook, out of sight of whoever looks at modules only."""

    def __init__(self) -> None:
        super().__init__(6, 6)
        self.register_forward_hook(lambda module, args, output: output.flip(-1))


# What each does to units keeps them in their places, and its name stands in the message.
UNKNOWN: dict[str, tuple[Callable[..., Any], str]] = {
    "flip": (lambda m, h: h.flip(1), "torch.Tensor.flip"),
    "roll": (lambda m, h: torch.roll(h, 1, 1), "torch.roll"),
    "cumsum": (lambda m, h: h.cumsum(1), "torch.Tensor.cumsum"),
    "concatenation": (lambda m, h: torch.cat([h[:, :3], h[:, 3:]], 1), "selection of units"),
    "chunk": (lambda m, h: torch.cat(h.chunk(2, 1)[::-1], 1), "torch.Tensor.chunk"),
    "list index": (lambda m, h: h[:, [5, 0, 1, 2, 3, 4]], "torch.Tensor.__getitem__"),
    "reshape": (lambda m, h: h.view(-1, 2, 3).mT.reshape(-1, 6), "a reshape that scatters"),
    "unfold": (lambda m, h: h.unfold(1, 3, 3).reshape(-1, 6), "torch.Tensor.unfold"),
    "group norm": (lambda m, h: F.group_norm(h, 2), "group_norm with 2 groups"),
    "grouped convolution": (
        lambda m, h: F.conv1d(h.unsqueeze(2), m.up.weight[:, :3, None], groups=2).squeeze(2),
        "a convolution in 2 groups",
    ),
    "convolution over units": (
        lambda m, h: F.conv1d(h.unsqueeze(1), torch.ones(1, 1, 3, dtype=h.dtype), padding=1)[:, 0],
        "the order of pixels",
    ),
    "pooling over units": (lambda m, h: F.max_pool1d(h, 3, 1, 1), "the order of pixels"),
    "padding of units": (lambda m, h: F.pad(h, (1, -1)), "the order of pixels"),
    "interpolation": (
        lambda m, h: F.interpolate(h.unsqueeze(1), 6, mode="linear")[:, 0] * 1.0,
        "the order of pixels",
    ),
    "largest with its index": (lambda m, h: h * h.max(1, keepdim=True).indices, "torch.Tensor.max"),
    "axis as a keyword": (lambda m, h: h - h.mean(axis=1, keepdim=True), "torch.Tensor.mean"),
    "assignment": (set_items, "torch.Tensor.__setitem__"),
    "out": (write_elsewhere, ""),
    "write through a view": (written_through_a_view, ""),
    "NumPy": (
        lambda m, h: torch.from_numpy(h.numpy()[:, ::-1].copy()),
        "torch.Tensor.numpy",
    ),
    "own autograd function": (lambda m, h: Doubled.apply(h), "torch.Tensor."),
    "constant": (lambda m, h: h * torch.arange(1.0, 7.0, dtype=h.dtype), ""),
    "causal attention of units": (
        lambda m, h: F.scaled_dot_product_attention(*[h.unsqueeze(2)] * 3, is_causal=True)[..., 0],
        "causal attention",
    ),
    "noisy attention of units": (
        lambda m, h: F.scaled_dot_product_attention(*[h.unsqueeze(2)] * 3, dropout_p=0.5)[..., 0],
        "torch.nn.functional.scaled_dot_product_attention",
    ),
    "narrowed from a tensor": (
        lambda m, h: torch.narrow(h, 1, torch.tensor(0), 6),
        "torch.narrow",
    ),
    "noise": (lambda m, h: F.dropout(h, training=True), "torch.nn.functional.dropout"),
    "local response": (
        lambda m, h: F.local_response_norm(h.unsqueeze(2), 2).squeeze(2),
        "torch.nn.functional.local_response_norm",
    ),
    "dispatched operator": (lambda m, h: torch.ops.aten.flip(h, [1]), "aten.flip"),
    "function transform": (
        lambda m, h: torch.func.vmap(lambda row: row.flip(0))(h),
        "that no call of torch made",
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_units_that_meet_the_unknown_keep_their_places(name: str) -> None:
    operation, obstacle = UNKNOWN[name]
    model = lively(unknown(operation)())
    with pytest.raises(ValueError, match="No hidden units of this model can change places") as told:
        permutation_groups(model, ROWS)
    assert obstacle in str(told.value)
    assert "UnitGroup" in str(told.value)


# What comes from out of sight fixes all units; noise differs from call to call.
ALL_OR_NOTHING = {"function transform", "NumPy", "own autograd function", "noise"}
ALL_OR_NOTHING |= {"noisy attention of units"}


@pytest.mark.parametrize("name", sorted(UNKNOWN.keys() - ALL_OR_NOTHING))
def test_units_around_the_unknown_still_change_places(name: str) -> None:
    operation, _ = UNKNOWN[name]
    model = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 5), unknown(operation)())
    model = nn.Sequential(
        lively(model), nn.Linear(3, 7).double(), nn.ReLU(), nn.Linear(7, 2).double()
    )
    groups = permutation_groups(model, ROWS)
    assert {4, 7} <= {group.size for group in groups}
    assert not any(
        m.tensor == "0.3.up.weight" and m.dimension == 0 for g in groups for m in g.members
    )
    assert_unchanged(model, groups, ROWS)


def gated() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        one, two = m.both(x).chunk(2, -1)
        return m.down(one * two.sigmoid())

    return Net(forward, both=nn.Linear(5, 12), down=nn.Linear(6, 3))


def recurrent() -> nn.Module:
    return Net(
        lambda m, x: m.head(m.lstm(m.stem(x))[0].relu()),
        stem=nn.Linear(5, 6),
        lstm=nn.LSTM(6, 7),
        head=nn.Sequential(nn.Linear(7, 8), nn.ReLU(), nn.Linear(8, 2)),
    )


def transformer() -> nn.Module:
    layer = nn.TransformerEncoderLayer(6, 2, 10, dropout=0.0, batch_first=True)
    return nn.Sequential(nn.Linear(5, 6), layer, nn.Linear(6, 2))


def weight_normed() -> nn.Module:
    return nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(5, 6)),
        nn.ReLU(),
        nn.Linear(6, 7),
        nn.ReLU(),
        nn.utils.parametrizations.spectral_norm(nn.Linear(7, 8)),
        nn.ReLU(),
        nn.Linear(8, 2),
    )


def hooked() -> nn.Module:
    return nn.Sequential(
        nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 6), Hooked(), nn.ReLU(), nn.Linear(6, 2)
    )


def reads_parameters_behind_the_module() -> nn.Module:
    return Net(
        lambda m, x: m.down(m.up(x) @ next(iter(m.up.parameters())).flip(0)),
        up=nn.Linear(6, 6),
        down=nn.Sequential(nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, 3)),
    )


def several_outputs() -> nn.Module:
    """Hidden units that are an output as well keep their places."""

    def forward(m: Any, x: Tensor) -> Any:
        hidden = m.one(x).relu()
        return [m.three(m.two(hidden).relu()), hidden]

    return Net(forward, one=nn.Linear(5, 6), two=nn.Linear(6, 7), three=nn.Linear(7, 2))


def group_normed() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3),
        nn.GroupNorm(3, 6),
        nn.Conv2d(6, 4, 3),
        nn.GroupNorm(4, 4),
        nn.Conv2d(4, 2, 1),
    )


def pixel_shuffled() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 1),
        nn.PixelShuffle(2),
        nn.Conv2d(2, 4, 1),
        nn.ReLU(),
        nn.Conv2d(4, 1, 1),
    )


def bilinear() -> nn.Module:
    return nn.Sequential(mlp(), Net(lambda m, x: m.both(x, x), both=nn.Bilinear(3, 3, 2)))


def swapped_gram() -> nn.Module:
    """Units on both dimensions of one product; a residual onto the inputs."""

    def forward(m: Any, x: Tensor) -> Tensor:
        hidden = m.up(x)
        gram = hidden.T @ hidden
        return x + m.down(hidden @ (gram / gram.norm() + m.weight)) + m.same(x)

    return Net(
        forward,
        up=nn.Linear(5, 6),
        weight=nn.Parameter(torch.ones(6, 6)),
        down=nn.Linear(6, 5),
        same=nn.Linear(5, 5),
    )


# Some units here may change places; nobody says which.
PARTLY: dict[str, tuple[Callable[[], nn.Module], Any]] = {
    "gated": (lambda: nn.Sequential(mlp(), nn.Linear(3, 5), gated()), ROWS),
    "recurrent": (recurrent, inputs_for(3, 2, 5)),
    "transformer": (transformer, POSITIONS),
    "weight norm": (weight_normed, ROWS),
    "hook": (hooked, ROWS),
    "parameters() in forward": (reads_parameters_behind_the_module, inputs_for(4, 6)),
    "several outputs": (several_outputs, ROWS),
    "group norm": (group_normed, IMAGES),
    "pixel shuffle": (pixel_shuffled, IMAGES),
    "bilinear": (bilinear, ROWS),
}


@pytest.mark.parametrize("name", PARTLY)
def test_outputs_stay_where_some_units_are_fixed(name: str) -> None:
    make, example = PARTLY[name]
    torch.manual_seed(0)
    model = make().double().eval()
    groups = permutation_groups(model, example)
    assert_unchanged(model, groups, example)


def test_the_feed_forward_units_of_a_transformer_are_free_but_not_its_stream() -> None:
    groups = permutation_groups(transformer(), torch.randn(2, 3, 5))
    assert [[m.tensor for m in group.members] for group in groups] == [
        ["1.linear1.weight", "1.linear1.bias", "1.linear2.weight"]
    ]


def test_a_gram_matrix_has_its_units_on_both_dimensions() -> None:
    # A residual onto the inputs fixes what was added, and the norm of the matrix is not followed.
    model = lively(swapped_gram())
    with pytest.raises(ValueError, match=r"torch\.Tensor\.norm"):
        permutation_groups(model, ROWS)


class Drawn:
    """A network of drawn layers, some of which nobody should permute through."""

    LAYERS = (
        "linear relu norm batch residual gate softmax flip roll cumsum split group scale twice "
        "transpose select shared repeat sort expand"
    ).split()

    def __init__(self, names: list[str], widths: list[int]) -> None:
        torch.manual_seed(0)
        self.modules: dict[str, Any] = {"stem": nn.Linear(5, widths[0])}
        self.names = names
        width = widths[0]
        for number, name in enumerate(names):
            key, after = f"layer{number}", widths[number % len(widths)]
            if name == "linear":
                self.modules[key] = nn.Linear(width, after)
                width = after
            elif name in ("residual", "gate", "shared"):
                self.modules[key] = nn.Linear(width, width)
            elif name == "norm":
                self.modules[key] = nn.LayerNorm(width)
            elif name == "batch":
                self.modules[key] = nn.BatchNorm1d(width)
            elif name == "scale":
                self.modules[key] = nn.Parameter(torch.randn(width))
            elif name == "split":
                self.modules[key] = nn.Parameter(torch.randn(2, width // 2))
            elif name == "repeat":
                width *= 2
        self.modules["head"] = nn.Linear(width, 3)

    def __call__(self, m: Any, x: Tensor) -> Tensor:
        x = m.stem(x)
        for number, name in enumerate(self.names):
            part = getattr(m, f"layer{number}", None)
            if name in ("linear", "norm", "batch"):
                x = part(x)
            elif name == "residual":
                x = x + part(x).tanh()
            elif name == "gate":
                x = x * part(x).sigmoid()
            elif name == "shared":
                x = part(part(x).relu())
            elif name == "scale":
                x = x * part
            elif name == "split":
                x = (x.view(len(x), 2, -1) + part).flatten(1)
            else:
                x = {
                    "relu": lambda x: x.relu(),
                    "softmax": lambda x: x.softmax(1),
                    "flip": lambda x: x.flip(1),
                    "roll": lambda x: x + torch.roll(x, 1, 1),
                    "cumsum": lambda x: x.cumsum(1),
                    "group": lambda x: F.group_norm(x, 2),
                    "twice": lambda x: x + x.mean(1, keepdim=True) * x.amax(1)[:, None],
                    "transpose": lambda x: (
                        x.view(len(x), -1, 2).transpose(1, 2).reshape(len(x), -1)
                    ),
                    "select": lambda x: x - x[:, :1] + x[:, 2].unsqueeze(1),
                    "repeat": lambda x: x.repeat(1, 2),
                    "sort": lambda x: x.sort(1).values,
                    "expand": lambda x: x.unsqueeze(1).expand(-1, 2, -1).sum(1),
                }[name](x)
        return m.head(x)


@settings(max_examples=60)
@given(
    names=st.lists(st.sampled_from(Drawn.LAYERS), min_size=1, max_size=7),
    widths=st.lists(st.sampled_from([4, 6, 8, 12]), min_size=1, max_size=3),
)
def test_outputs_stay_whatever_the_network_does(names: list[str], widths: list[int]) -> None:
    drawn = Drawn(names, widths)
    model = lively(Net(drawn, **drawn.modules))
    try:
        groups = permutation_groups(model, ROWS)
    except ValueError as error:
        # Not "computes something else": that would be a wrong group that only the trial caught.
        assert "No hidden units" in str(error)
    else:
        assert_unchanged(model, groups, ROWS)


def reversed_units(hidden: Tensor) -> Tensor:
    return hidden.flip(1)


def test_what_is_computed_out_of_sight_may_be_anything() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit goes, its functions stay.
        scripted = torch.jit.script(reversed_units)
    model = unknown(lambda m, hidden: scripted(hidden))()
    with pytest.raises(ValueError, match="no call of torch made"):
        permutation_groups(model, torch.randn(2, 5))


def test_units_of_what_takes_no_part_keep_their_places() -> None:
    # A second head that is asked only while training, say.
    model = Net(lambda m, x: m.net(x), net=mlp(), second=mlp())
    groups = permutation_groups(model, torch.randn(2, 5))
    assert {m.tensor.partition(".")[0] for group in groups for m in group.members} == {"net"}


def test_a_model_whose_calls_differ_is_refused() -> None:
    calls = itertools.count(1)
    model = Net(lambda m, x: m.net(x) * next(calls), net=mlp())
    with pytest.raises(ValueError, match=r"calls of it differ.*write the groups by hand"):
        permutation_groups(model, torch.randn(3, 5))


def test_a_model_that_draws_and_counts_is_tried_fairly() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        m.calls.add_(1)
        return m.net(x) * m.calls + torch.randn(3)

    model = Net(forward, net=mlp(), calls=torch.zeros(()))
    assert [group.size for group in permutation_groups(model, torch.randn(3, 5))] == [8, 9]
    assert model.calls == 0


@dataclass
class Outcome:
    logits: Tensor
    hidden: Tensor


def test_units_in_any_output_keep_their_places() -> None:
    model = Net(
        lambda m, x: Outcome(m.down(m.up(x).relu()), m.up(x)),
        up=nn.Linear(5, 6),
        down=nn.Linear(6, 2),
    )
    with pytest.raises(ValueError, match="all belong to its inputs or outputs"):
        permutation_groups(model, torch.randn(3, 5))
    model = Net(lambda m, x: torch.distributions.Normal(m(x), 1.0), net=mlp())
    model._run = lambda m, x: torch.distributions.Normal(m.net(x), 1.0)
    assert [group.size for group in permutation_groups(model, torch.randn(3, 5))] == [8, 9]


def test_an_example_is_needed_unless_the_model_reads_rows() -> None:
    assert permutation_groups(mlp()) == permutation_groups(mlp(), torch.randn(3, 5))
    assert permutation_groups(mlp().half())
    with pytest.raises(ValueError, match=r"begins with Conv2d.*example_input"):
        permutation_groups(SmallConvNet())
    with pytest.raises(ValueError, match="all belong to its inputs or outputs"):
        permutation_groups(nn.Linear(3, 2))
    with pytest.raises(ValueError, match="begins with ReLU"):
        permutation_groups(nn.ReLU())


def test_examples_may_be_several_arguments() -> None:
    model = Net(lambda m, x, scale: m.net(x) * scale, net=mlp())
    groups = permutation_groups(model, (torch.randn(3, 5), 2.0))
    assert [group.size for group in groups] == [8, 9]

    class ByName(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = mlp()

        def forward(self, *, rows: Tensor) -> Tensor:
            return self.net(rows.sub_(1.0))

    rows = torch.ones(3, 5)
    assert permutation_groups(ByName(), {"rows": rows}) == groups
    assert torch.equal(rows, torch.ones(3, 5))


def test_a_model_that_does_not_run_says_so() -> None:
    with pytest.raises(ValueError, match=r"could not be called with example_input \(RuntimeError"):
        permutation_groups(mlp(), torch.randn(3, 4))


@pytest.mark.parametrize("mode", [True, False])
def test_the_model_comes_out_untouched(mode: bool) -> None:
    model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(216, 2))
    model.train(mode)
    model[1].eval()
    before = state_of(model)
    groups = permutation_groups(model, torch.randn(2, 1, 8, 8, generator=torch.Generator()))
    match_units(groups, tensors_of(model), tensors_of(copy.deepcopy(model)), restarts=2)
    assert state_of(model) == before


# ---- permuting


def test_permuted_moves_blocks_as_numpy_does() -> None:
    group = UnitGroup(3, (UnitDimension("w", 1, block=2), UnitDimension("b", 0)))
    weight, bias = torch.arange(24.0).reshape(2, 6, 2), torch.arange(3)
    order = torch.tensor([1, 2, 0], dtype=torch.int32)
    moved = permuted([group], [order], {"w": weight, "b": bias, "rest": bias})
    expected = weight.numpy().reshape(2, 3, 2, 2)[:, [1, 2, 0]].reshape(2, 6, 2)
    np.testing.assert_array_equal(moved["w"], expected)
    assert moved["b"].tolist() == [1, 2, 0]
    assert moved["rest"] is bias
    assert list(moved) == ["w", "b", "rest"]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_dtype_and_device_stay(dtype: torch.dtype, device: str) -> None:
    torch.manual_seed(0)
    model = SmallConvNet().to(device, dtype).eval()
    groups = permutation_groups(model, torch.randn(2, 1, 8, 8).to(device, dtype))
    tensors = tensors_of(model)
    shuffled = permuted(groups, drawn_permutations(groups), tensors)
    matching = match_units(groups, tensors, shuffled)
    assert all(p.device.type == "cpu" and p.dtype == torch.int64 for p in matching.permutations)
    back = permuted(groups, matching.permutations, shuffled)
    for name, tensor in tensors.items():
        assert (back[name].dtype, back[name].device) == (tensor.dtype, tensor.device)
        assert torch.equal(back[name], tensor), name


def test_gradients_flow_through_permuted() -> None:
    model = mlp()
    groups = permutation_groups(model)
    moved = permuted(groups, drawn_permutations(groups), tensors_of(model))
    functional_call(model, moved, (torch.ones(2, 5),)).sum().backward()
    model_gradients = {name: p.grad for name, p in model.named_parameters()}
    assert all(gradient is not None for gradient in model_gradients.values())


def test_a_state_dict_of_tied_parameters_moves_under_both_names() -> None:
    model = lively(language_model())
    groups = permutation_groups(model, IDS)
    names = {m.tensor: m.compared for group in groups for m in group.members}
    assert names["embed.weight"] and not names["head.weight"]
    other = copy.deepcopy(model)
    other.load_state_dict(permuted(groups, drawn_permutations(groups), model.state_dict()))
    torch.testing.assert_close(other(IDS), model(IDS), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("permutation", "tensors", "message"),
    [
        (torch.tensor([0, 1, 1]), {}, "each of the integers from 0 to 2 once"),
        (torch.tensor([0, 1]), {}, "each of the integers from 0 to 2 once"),
        (torch.tensor([0.0, 1.0, 2.0]), {}, "each of the integers from 0 to 2 once"),
        (None, {}, "0 permutations for 1 groups"),
        (torch.arange(3), {"w": torch.zeros(4, 2)}, "not 3 units times 1"),
        (torch.arange(3), {"w": torch.zeros(())}, "dimension 0 of 'w', whose shape is"),
        (torch.arange(3), {"w": None}, "None of the tensors that the group of 'w' permutes"),
    ],
)
def test_what_does_not_fit_is_refused(
    permutation: Tensor | None, tensors: dict[str, Any], message: str
) -> None:
    given = {"w": torch.zeros(3, 2), "b": torch.zeros(1)} | tensors
    given = {name: tensor for name, tensor in given.items() if tensor is not None}
    permutations = [] if permutation is None else [permutation]
    with pytest.raises(ValueError, match=message):
        permuted([UnitGroup(3, (UnitDimension("w", 0),))], permutations, given)


def test_a_dimension_in_two_groups_is_refused() -> None:
    group = UnitGroup(3, (UnitDimension("w", 0),))
    with pytest.raises(ValueError, match="named twice"):
        permuted([group, group], [torch.arange(3)] * 2, {"w": torch.zeros(3)})


# ---- matching


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "name", ["mlp", "conv net", "resnet", "shared stream", "depthwise", "language model"]
)
def test_a_shuffled_network_is_put_back_in_order(name: str, seed: int) -> None:
    make, example, _ = KNOWN[name]
    torch.manual_seed(seed)
    model = make()
    groups = permutation_groups(model.double(), example)
    tensors = tensors_of(model)
    shuffled = permuted(groups, drawn_permutations(groups, seed), tensors)
    matching = match_units(groups, tensors, shuffled, seed=seed, restarts=0)
    back = permuted(groups, matching.permutations, shuffled)
    assert all(torch.equal(back[key], tensors[key]) for key in tensors)


def test_one_hidden_layer_is_matched_as_well_as_any_order_can() -> None:
    for seed in range(5):
        torch.manual_seed(seed)
        one, two = (
            nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)).double() for _ in range(2)
        )
        groups = permutation_groups(one)
        first, second = tensors_of(one), tensors_of(two)
        best = max(
            sum(
                float((first[key] * moved).detach().sum())
                for key, moved in permuted(groups, [torch.tensor(order)], second).items()
                if key != "2.bias"  # Belongs to the outputs.
            )
            for order in itertools.permutations(range(5))
        )
        matching = match_units(groups, first, second)
        assert matching.similarity == pytest.approx(best, rel=1e-12)


def similarity(
    groups: list[UnitGroup],
    permutations: Sequence[Tensor],
    one: dict[str, Tensor],
    two: dict[str, Tensor],
) -> float:
    moved = permuted(groups, permutations, two)
    compared = {m.tensor for group in groups for m in group.members if m.compared}
    return sum(float((one[name] * moved[name]).detach().sum()) for name in compared)


@pytest.mark.parametrize("name", KNOWN)
def test_the_similarity_never_falls(name: str) -> None:
    make, example, _ = KNOWN[name]
    torch.manual_seed(0)
    one, two = (tensors_of(make().double()) for _ in range(2))
    groups = permutation_groups(make().double(), example)
    identity = [torch.arange(group.size) for group in groups]
    for restarts in range(4):
        matching = match_units(groups, one, two, restarts=restarts)
        assert list(matching.history) == sorted(matching.history)
        assert matching.history[-1] == pytest.approx(matching.similarity, rel=1e-9, abs=1e-9)
        for value, order in (
            (matching.similarity_before, identity),
            (matching.similarity, matching.permutations),
        ):
            assert value == pytest.approx(similarity(groups, order, one, two), rel=1e-9, abs=1e-9)
        assert restarts == 0 or matching.similarity >= matching.similarity_before


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), restarts=st.integers(0, 2))
def test_no_single_group_can_be_improved_in_the_end(seed: int, restarts: int) -> None:
    # A ring of groups with little to hold on to, where one change calls for the next.
    generator = torch.Generator().manual_seed(seed)
    groups = [
        UnitGroup(
            4,
            (
                UnitDimension(f"{number}", 0, block=2),
                UnitDimension(f"{(number + 1) % 5}", 1),
                UnitDimension(f"bias {number}", 0),
            ),
        )
        for number in range(5)
    ]
    shapes = {f"{number}": (8, 4) for number in range(5)} | {f"bias {n}": (4,) for n in range(5)}
    one, two = (
        {name: torch.randn(shape, generator=generator).double() for name, shape in shapes.items()}
        for _ in range(2)
    )
    matching = match_units(groups, one, two, seed=seed, restarts=restarts)
    for number, group in enumerate(groups):
        for order in itertools.permutations(range(group.size)):
            orders = list(matching.permutations)
            orders[number] = torch.tensor(order)
            assert similarity(groups, orders, one, two) <= matching.similarity + 1e-9


def test_a_layer_with_one_group_on_both_sides_is_matched_without_loss() -> None:
    # Not linear in the permutation: a step that the linearization promises may be a loss.
    groups = [UnitGroup(8, (UnitDimension("w", 0), UnitDimension("w", 1)))]
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        one, two = ({"w": torch.randn(8, 8, generator=generator)} for _ in range(2))
        matching = match_units(groups, one, two, restarts=3)
        assert list(matching.history) == sorted(matching.history)
        assert matching.similarity >= matching.similarity_before


def test_the_same_seed_gives_the_same_matching_and_leaves_random_states_alone() -> None:
    torch.manual_seed(0)
    one, two = (tensors_of(resnet()) for _ in range(2))
    groups = permutation_groups(resnet(), IMAGES.float())
    states = torch.get_rng_state(), random.getstate()
    np_state = np.random.get_state()[1].tolist()
    first, second = (match_units(groups, one, two, seed=3, restarts=2) for _ in range(2))
    assert first.history == second.history
    pairs = zip(first.permutations, second.permutations, strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.random.get_state()[1].tolist() == np_state


def test_only_what_the_reference_holds_is_compared() -> None:
    groups = [UnitGroup(2, (UnitDimension("a", 0), UnitDimension("b", 0)))]
    one = {"a": torch.tensor([1.0, 0.0])}
    two = {"a": torch.tensor([0.0, 1.0]), "b": torch.tensor([5.0, 6.0])}
    matching = match_units(groups, one, two)
    assert matching.permutations[0].tolist() == [1, 0]
    assert permuted(groups, matching.permutations, two)["b"].tolist() == [6.0, 5.0]


def test_complex_parameters_are_matched_by_the_real_part_of_their_product() -> None:
    groups = [UnitGroup(2, (UnitDimension("w", 0),))]
    one = {"w": torch.tensor([1j, 1.0])}
    matching = match_units(groups, one, {"w": torch.tensor([1.0, -1j]).conj()})
    assert matching.permutations[0].tolist() == [1, 0]
    assert matching.similarity == 2.0


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"w": torch.zeros(3, 4)}, "shape"),
        ({"v": torch.zeros(3, 2)}, "no tensor 'w'"),
        ({"w": torch.tensor([[0.0, 1.0], [torch.nan, 1.0], [2.0, 2.0]])}, "'w' is not finite"),
        ({"w": torch.tensor([[0.0, 1.0], [-torch.inf, 1.0], [torch.inf, 2]])}, "not finite"),
    ],
)
def test_networks_that_cannot_be_matched_are_refused(
    other: dict[str, Tensor], message: str
) -> None:
    groups = [UnitGroup(3, (UnitDimension("w", 0),))]
    with pytest.raises(ValueError, match=message):
        match_units(groups, {"w": torch.ones(3, 2)}, other)


def test_matching_needs_groups_and_tensors_of_theirs() -> None:
    with pytest.raises(ValueError, match="no groups"):
        match_units([], {}, {})
    groups = [UnitGroup(3, (UnitDimension("w", 0),))]
    with pytest.raises(ValueError, match="None of the tensors"):
        match_units(groups, {"module.w": torch.ones(3)}, {"module.w": torch.ones(3)})
    with pytest.raises(ValueError, match="restarts is -1"):
        match_units(groups, {"w": torch.ones(3)}, {"w": torch.ones(3)}, restarts=-1)


def test_without_scipy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    groups = [UnitGroup(3, (UnitDimension("w", 0),))]
    with pytest.raises(ImportError, match=r"pip install 'pysclice\[science\]'"):
        match_units(groups, {"w": torch.ones(3)}, {"w": torch.ones(3)})


def test_the_examples_in_the_docstrings_run() -> None:
    result = doctest.testmod(module, extraglobs={"torch": torch, "nn": nn})
    assert result.attempted > 8
    assert result.failed == 0
