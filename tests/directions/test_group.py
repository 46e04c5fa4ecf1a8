"""Groups of parameters, against what the model itself does with the parameters that move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import pysclice as ps
from pysclice.core.parameters import Parameters
from tests.models import SmallConvNet, images


def surface_of(model: nn.Module, *inputs: Any) -> ps.LossSurface:
    """A surface that is there for its model; the loss is never asked for."""
    return ps.LossSurface(
        model, data=[inputs], batch_loss=lambda m, batch: sum(p.sum() for p in m.parameters())
    )


def dense(direction: Any) -> dict[str, Tensor]:
    return {n: t.to_dense() if t.is_sparse else t for n, t in direction.items()}


def ones(surface: ps.LossSurface, parameters: Parameters) -> Parameters:
    return {name: torch.ones_like(tensor) for name, tensor in parameters.items()}


def removal(surface: ps.LossSurface, parameters: Parameters) -> Parameters:
    return {name: -tensor for name, tensor in parameters.items()}


def moved(model: nn.Module, direction: Any, inputs: tuple[Any, ...], **named: Any) -> Any:
    """What the model gives with its parameters moved by the direction."""
    changed = {n: p.detach() + dense(direction).get(n, 0.0) for n, p in model.named_parameters()}
    return torch.func.functional_call(model, changed, inputs, named)


def conv1d_of_transformers() -> nn.Module:
    return pytest.importorskip("transformers.pytorch_utils").Conv1D(5, 3)


def normal_inputs(*shape: int) -> tuple[Tensor, ...]:
    return (torch.randn(*shape, generator=torch.Generator().manual_seed(0)),)


@pytest.mark.parametrize(
    ("make", "inputs", "channels"),
    [
        (lambda: nn.Linear(3, 5), normal_inputs(7, 3), -1),
        (lambda: nn.Linear(3, 5, bias=False), normal_inputs(7, 3), -1),
        (conv1d_of_transformers, normal_inputs(7, 3), -1),
        (lambda: nn.Conv2d(4, 6, 3, groups=2), normal_inputs(2, 4, 6, 6), 1),
        (lambda: nn.ConvTranspose2d(4, 6, 2, groups=2), normal_inputs(2, 4, 5, 5), 1),
        (lambda: nn.ConvTranspose1d(3, 5, 2), normal_inputs(2, 3, 5), 1),
        (lambda: nn.Bilinear(3, 4, 5), (*normal_inputs(7, 3), *normal_inputs(7, 4)), -1),
    ],
)
@pytest.mark.parametrize("index", [0, 3])
def test_an_output_is_fed_by_exactly_the_parameters_on_which_it_depends(
    make: Callable[[], nn.Module], inputs: tuple[Tensor, ...], channels: int, index: int
) -> None:
    torch.manual_seed(0)
    layer = make()
    model = nn.Sequential()
    model.add_module("layer", layer)
    surface = surface_of(model, *inputs)
    group = ps.Group.filter("layer", index, along=ones)
    found = dense(group(surface, surface.parameters()))
    output = layer(*inputs).select(channels, index).square().sum()
    gradients = torch.autograd.grad(output, list(layer.parameters()))
    for (name, _), gradient in zip(model.named_parameters(), gradients, strict=True):
        assert torch.equal(found[name], (gradient != 0).float()), name


def test_a_token_is_a_row_of_the_embedding_and_of_what_is_tied_to_it() -> None:
    model = nn.ModuleDict({"embed": nn.Embedding(6, 3), "head": nn.Linear(3, 6)})
    model["head"].weight = model["embed"].weight
    surface = surface_of(model, torch.zeros(1))
    row = dense(ps.Group.filter("embed", 4, along=ones)(surface, surface.parameters()))
    assert list(row) == ["embed.weight"]
    assert torch.equal(row["embed.weight"], torch.eye(6)[4][:, None].expand(6, 3))
    neuron = dense(ps.Group.neuron("head", 4, along=ones)(surface, surface.parameters()))
    assert torch.equal(neuron["embed.weight"], row["embed.weight"])
    assert torch.equal(neuron["head.bias"], torch.eye(6)[4])


def contribution(
    layer: nn.MultiheadAttention, sequence: Tensor, memory: Tensor, head: int
) -> Tensor:
    """What one head adds to the output, from the definition of attention: (time, width)."""
    width, size = layer.embed_dim, layer.embed_dim // layer.num_heads
    rows = slice(head * size, (head + 1) * size)
    if layer.in_proj_weight is not None:
        weights = layer.in_proj_weight.view(3, width, width)
    else:
        weights = (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight)
    biases = layer.in_proj_bias.view(3, width)
    seen = (sequence, memory, memory)
    q, k, v = (s @ w[rows].T + b[rows] for s, w, b in zip(seen, weights, biases, strict=True))
    if layer.bias_k is not None:
        k = torch.cat([k, layer.bias_k[0, :, rows]])
        v = torch.cat([v, layer.bias_v[0, :, rows]])
    attended = torch.softmax(q @ k.T / size**0.5, dim=-1) @ v
    return attended @ layer.out_proj.weight[:, rows].T


@pytest.mark.parametrize("options", [{}, {"add_bias_kv": True}, {"kdim": 8, "vdim": 8}])
@pytest.mark.parametrize("head", [0, 2])
def test_taking_a_head_away_takes_away_what_it_adds(options: dict[str, Any], head: int) -> None:
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(12, 3, **options)
    nn.init.normal_(layer.in_proj_bias)
    (sequence,), (memory,) = normal_inputs(5, 12), normal_inputs(4, options.get("kdim", 12))
    adds = [contribution(layer, sequence, memory, n) for n in range(3)]
    whole = layer(sequence, memory, memory)[0]
    torch.testing.assert_close(whole, sum(adds) + layer.out_proj.bias, rtol=1e-4, atol=1e-6)
    model = nn.ModuleDict({"attention": layer})
    surface = surface_of(model, sequence)
    direction = ps.Group.head("attention", head, along=removal)(surface, surface.parameters())
    inner = {name.removeprefix("attention."): tensor for name, tensor in direction.items()}
    left = moved(layer, inner, (sequence, memory, memory))[0]
    torch.testing.assert_close(left, whole - adds[head], rtol=1e-4, atol=1e-6)
    sizes = {name: tensor.values().numel() for name, tensor in inner.items()}
    own = {n: p.numel() // 3 for n, p in layer.named_parameters() if n != "out_proj.bias"}
    assert sizes == own


def tiny(kind: str) -> tuple[nn.Module, str, str, int]:
    """A model of transformers, its attention module, its output projection, and its heads."""
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 12, "num_attention_heads": 3, "num_hidden_layers": 2}
    wide = {**sizes, "intermediate_size": 16, "vocab_size": 20}
    if kind == "gpt2":
        config = transformers.GPT2Config(n_embd=12, n_head=3, n_layer=2, vocab_size=20)
        return transformers.GPT2Model(config), "h.1.attn", "h.1.attn.c_proj", 3
    if kind == "bert":
        model = transformers.BertModel(transformers.BertConfig(**wide))
        return model, "encoder.layer.1.attention", "encoder.layer.1.attention.output.dense", 3
    if kind == "t5":
        config = transformers.T5Config(
            d_model=10, d_kv=4, num_heads=3, num_layers=2, d_ff=8, vocab_size=20
        )
        name = "encoder.block.1.layer.0.SelfAttention"
        return transformers.T5EncoderModel(config), name, f"{name}.o", 3
    shared = {"llama": 3, "grouped llama": 1}[kind]
    config = transformers.LlamaConfig(**wide, num_key_value_heads=shared, attention_bias=True)
    return transformers.LlamaModel(config), "layers.1.self_attn", "layers.1.self_attn.o_proj", 3


@pytest.mark.parametrize("kind", ["gpt2", "bert", "t5", "llama"])
def test_a_head_of_a_language_model_is_where_the_model_has_it(kind: str) -> None:
    torch.manual_seed(0)
    model, attention, projection, heads = tiny(kind)
    model.eval()
    surface = surface_of(model, torch.zeros(1))
    tokens = torch.arange(6)[None]
    joined: list[Tensor] = []  # the outputs of all heads, side by side
    model.get_submodule(projection).register_forward_pre_hook(
        lambda module, given: joined.append(given[0].detach())
    )
    with torch.no_grad():
        model(tokens)
        for head in range(heads):
            direction = ps.Group.head(attention, head, along=removal)(surface, surface.parameters())
            moved(model, direction, (tokens,))
    before = joined[0].unflatten(-1, (heads, -1))
    for head in range(heads):
        after = joined[1 + head].unflatten(-1, (heads, -1))
        others = [n for n in range(heads) if n != head]
        assert torch.count_nonzero(after[..., head, :]) == 0
        assert torch.count_nonzero(before[..., head, :]) > 0
        torch.testing.assert_close(after[..., others, :], before[..., others, :])
    # Queries and keys leave no trace in values that are zero: each holds its share of entries.
    sizes = [
        sum(
            t.values().numel()
            for t in ps.Group.head(attention, n)(surface, surface.parameters()).values()
        )
        for n in range(heads)
    ]
    own = {
        name: p
        for name, p in model.named_parameters()
        if name.startswith(f"{attention}.")
        and "relative" not in name
        and "LayerNorm" not in name
        and name != f"{projection}.bias"
    }
    assert sizes == [sum(p.numel() for p in own.values()) // heads] * heads
    # What the projection of the outputs loses is what this head put in.
    parts = ps.Group.head(attention, 1, along=removal)(surface, surface.parameters())
    lost = {name.removeprefix(f"{projection}."): t for name, t in dense(parts).items()}
    lost = {name: t for name, t in lost.items() if name in ("weight", "bias")}
    assert list(lost) == ["weight"]
    layer = model.get_submodule(projection)
    hidden = joined[0].unflatten(-1, (heads, -1)).clone()
    left = moved(layer, lost, (hidden.flatten(-2),))
    hidden[..., 1, :] = 0.0
    torch.testing.assert_close(left, layer(hidden.flatten(-2)))


def test_heads_that_share_keys_and_values_are_refused() -> None:
    model, attention, _, _ = tiny("grouped llama")
    surface = surface_of(model, torch.zeros(1))
    with pytest.raises(ValueError, match="share keys and values"):
        ps.Group.head(attention, 0)(surface, surface.parameters())


def conv_surface() -> ps.LossSurface:
    torch.manual_seed(0)
    return ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), images(16))


@pytest.mark.parametrize("kind", ["layer", "type"])
def test_the_groups_of_a_kind_add_up_to_the_whole_direction(kind: Any) -> None:
    surface = conv_surface()
    start = surface.parameters()
    gradient = ps.Gradient()(surface, start)
    groups = ps.Group.each(kind, along=ps.Gradient())(surface, start)
    parts = [group(surface, start) for group in groups]
    assert sorted(name for part in parts for name in part) == sorted(gradient)
    for part in parts:
        for name, tensor in part.items():
            torch.testing.assert_close(tensor, gradient[name])
    names = {"layer": ["conv", "norm", "fc"], "type": ["Conv2d", "BatchNorm2d", "Linear"]}
    assert [group.name for group in groups] == names[kind]
    # Filter normalization leaves BatchNorm's scales and shifts where they are.
    moving = ps.Group.each(kind)(surface, start)
    assert [group.name for group in moving] == [names[kind][0], names[kind][2]]


def test_every_head_is_a_group() -> None:
    layer = nn.TransformerEncoderLayer(12, 3, 16)
    surface = surface_of(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), 0)
    groups = ps.Group.each("head")(surface, surface.parameters())
    expected = [f"layers.{n}.self_attn head {h}" for n in range(2) for h in range(3)]
    assert [group.name for group in groups] == expected


def test_selections_are_groups() -> None:
    surface = conv_surface()
    start = surface.parameters()
    along = ps.Random(3, "layer")
    whole = along(surface, start)
    for group, names in [
        (ps.Group("conv.*", along), ["conv.weight", "conv.bias"]),
        (ps.Group(nn.Linear, along), ["fc.weight", "fc.bias"]),
        (
            ps.Group(("norm.*", "*.bias"), along),
            ["conv.bias", "norm.weight", "norm.bias", "fc.bias"],
        ),
        (ps.Group(lambda name: name == "fc.weight", along), ["fc.weight"]),
        (ps.Group.layer("norm", along), ["norm.weight", "norm.bias"]),
        (ps.Group.layer("", along), list(start)),
    ]:
        found = group(surface, start)
        assert list(found) == names
        assert all(torch.equal(found[name], whole[name]) for name in names)


def test_one_direction_serves_all_groups_of_a_slice() -> None:
    asked = []

    def along(surface: ps.LossSurface, parameters: Parameters) -> Parameters:
        asked.append(1)
        return {name: torch.ones_like(tensor) for name, tensor in parameters.items()}

    surface = conv_surface()
    surface.slice(ps.Crowd(ps.Group.each("layer", along=along), samples=3))
    assert len(asked) == 1


def test_a_group_says_what_it_is() -> None:
    surface = conv_surface()
    group = ps.Group.filter("conv", 5)
    line = surface.slice(ps.Line(group, samples=3))
    assert line.axes[0].name == "conv filter 5"
    assert "seed 0" in line.axes[0].description and "conv filter 5" in line.axes[0].description
    assert line.notes["conv filter 5"] == {"parameters": 10, "tensors": 2}
    again, other, else_ = (
        surface.slice(ps.Line(g, samples=3)).axes[0]
        for g in (group, ps.Group.filter("conv", 4), ps.Group.filter("conv", 5, ps.Random(1)))
    )
    assert line.axes[0] == again
    assert len({line.axes[0].fingerprint, other.fingerprint, else_.fingerprint}) == 3
    assert ps.Group(lambda name: True).recipe is None
    assert ps.Group("conv.*", along=ps.Gradient()).recipe is None
    assert ps.Group((nn.Conv2d, "fc.*")).recipe is not None
    curved = surface.slice(ps.Line(ps.Group("fc.*", ps.HessianEigenvector(0)), samples=3))
    assert "eigenvalue" in curved.notes["fc.*"]["along"]["eigenvector 0"]


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (lambda: ps.Group("decoder.*"), "No trainable parameter"),
        (lambda: ps.Group("norm.*"), r"along=Random\(0, 'layer'\)"),
        (lambda: ps.Group("norm.*", along=lambda s, p: {"fc.bias": torch.ones(10)}), "no tensors"),
        (lambda: ps.Group.layer("encoder"), "There is no module 'encoder'"),
        (lambda: ps.Group.layer("drop"), "no trainable parameters"),
        (lambda: ps.Group.filter("conv", 6), "6 outputs"),
        (lambda: ps.Group.neuron("fc", -1), "10 outputs"),
        (lambda: ps.Group.neuron("norm", 0), "a neuron is known in modules with one"),
        (lambda: ps.Group.head("conv", 0), "is none and holds none"),
        (lambda: lambda s, p: ps.Group.each("head")(s, p)[0](s, p), "no head"),
    ],
)
def test_groups_that_do_not_fit_get_a_sentence(group: Callable[[], Any], message: str) -> None:
    surface = conv_surface()
    with pytest.raises(ValueError, match=message):
        group()(surface, surface.parameters())


def test_other_modules_than_attention_and_layers_are_told_apart() -> None:
    surface = surface_of(nn.TransformerEncoderLayer(12, 3, 16), 0)
    start = surface.parameters()
    with pytest.raises(ValueError, match="3 heads"):
        ps.Group.head("self_attn", 3)(surface, start)
    with pytest.raises(ValueError, match="Select heads"):
        ps.Group.neuron("self_attn", 0)(surface, start)
    recurrent = surface_of(nn.Sequential(nn.LSTM(3, 4)), 0)
    with pytest.raises(ValueError, match="weight_ih_l0"):
        ps.Group.neuron("0", 0)(recurrent, recurrent.parameters())
    two = surface_of(nn.TransformerDecoderLayer(12, 3, 16), 0)
    with pytest.raises(ValueError, match=r"\['self_attn', 'multihead_attn'\]"):
        ps.Group.head("", 0)(two, two.parameters())


def test_bad_groups_are_refused_at_once() -> None:
    with pytest.raises(TypeError, match="expected a pattern"):
        ps.Group(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a direction"):
        ps.Group("*", along="gradient")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'layer', 'type' or 'head'"):
        ps.Group.each("block")  # type: ignore[arg-type]
