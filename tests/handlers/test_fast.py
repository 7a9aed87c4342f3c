"""The fast way must give the plain model to the bit, or step aside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from tsnb.handlers import fast


@pytest.fixture(autouse=True)
def _unseeded() -> None:
    """Another test may have set torch's seed, which makes models be built the plain way."""
    torch.seed()


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.out = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.norm(self.conv(x)).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.embed = nn.Embedding(10, 8, padding_idx=0)
        self.where = nn.Parameter(torch.randn(1, 5, 8) * 0.02)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        nn.init.trunc_normal_(self.where)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(self.embed(x.long().reshape(1, -1)[:, :5] % 10) + self.where)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 4, 2, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(x.reshape(-1, 1, 3))[0]


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(4, 3)
        self.out = nn.Linear(3, 4, bias=False)
        self.out.weight = self.embed.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.embed(x.long().flatten() % 4))


class Buffers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.full((3,), 2.0))
        self.register_buffer("table", torch.arange(3.0), persistent=False)
        self.shift = nn.Parameter(torch.zeros(3), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, 3) * self.scale + self.table + self.shift  # type: ignore[operator]


class Normed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weighted = parametrizations.weight_norm(nn.Linear(3, 4))
        self.spectral = parametrizations.spectral_norm(nn.Linear(4, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.spectral(self.weighted(x.reshape(-1, 3)))


FAST = [Small, Attention, Recurrent, Tied, Buffers, Normed]


def plain(cls: type[nn.Module], state: dict[str, Any]) -> nn.Module:
    model = cls()
    model.load_state_dict(state)
    return model.eval()


def trained(cls: type[nn.Module]) -> dict[str, Any]:
    """A state dict whose every value differs from what a constructor sets."""
    state = cls().state_dict()
    return {
        name: value + torch.rand_like(value) if value.is_floating_point() else value for name, value in state.items()
    }


@pytest.mark.parametrize("cls", FAST)
def test_the_fast_way_gives_the_plain_model(cls: type[nn.Module], tmp_path: Path) -> None:
    torch.save(trained(cls), tmp_path / "w.pt")
    state = torch.load(tmp_path / "w.pt", mmap=True, weights_only=True)
    model, notes = fast.build(cls, state)
    expected = plain(cls, state)
    assert notes == ()
    for (name, one), (_, other) in zip(tensors(model), tensors(expected), strict=True):
        assert type(one) is type(other)
        assert (one.dtype, one.requires_grad, one.stride()) == (other.dtype, other.requires_grad, other.stride())
        assert torch.equal(one, other), name
    x = torch.rand(2, 1, 6, 6) * 10
    assert torch.equal(model.eval()(x), expected(x))


def tensors(model: nn.Module) -> list[tuple[str, Tensor]]:
    return [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]


def test_tied_weights_stay_tied_and_the_last_of_two_values_counts() -> None:
    state = {"embed.weight": torch.zeros(4, 3), "out.weight": torch.ones(4, 3)}
    model, notes = fast.build(Tied, state)
    assert notes == ()
    assert model.out.weight is model.embed.weight  # type: ignore[union-attr]
    assert torch.equal(model.embed.weight, plain(Tied, state).embed.weight)  # type: ignore[union-attr,arg-type]


class Measures(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.size = float(self.a.weight.detach().norm())


class Lists(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.first = self.a.weight.tolist()


class Numpy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.first = self.a.weight.detach().numpy().copy()


class Keeps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.noise = torch.randn(3)


class KeepsPart(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.turned = self.a.weight.t()


class KeepsList(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(3)
        self.all = [self.norm.weight]


class Unsaved(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.register_buffer("noise", torch.rand(3), persistent=False)


class Views(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.register_buffer("row", self.a.weight.detach()[0])


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.flipped = bool((self.a.weight > 0).any())


class Orthogonal(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)
        nn.init.orthogonal_(self.a.weight)


class Loads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)

    def load_state_dict(self, state_dict: Any) -> Any:  # type: ignore[override]
        return super().load_state_dict(state_dict)


PLAIN = [Measures, Lists, Numpy, Keeps, KeepsPart, KeepsList, Unsaved, Views, Branches, Loads]


@pytest.mark.parametrize("cls", PLAIN)
def test_where_random_values_matter_the_plain_way_is_taken(cls: type[nn.Module]) -> None:
    state = trained(cls)
    model, notes = fast.build(cls, state)
    assert len(notes) == 1
    assert "the plain (slower) way: " in notes[0]
    for name, value in plain(cls, state).state_dict().items():
        assert torch.equal(model.state_dict()[name], value)


def test_an_initialiser_that_computes_with_random_values_is_exact_in_any_case() -> None:
    state = trained(Orthogonal)
    model, _ = fast.build(Orthogonal, state)
    assert torch.equal(model.a.weight, state["a.weight"])  # type: ignore[union-attr,arg-type]


@pytest.mark.parametrize("change", [lambda t: t.half(), lambda t: t.t().contiguous().t()], ids=["dtype", "layout"])
def test_stored_tensors_of_another_kind_are_copied_the_plain_way(change: Any) -> None:
    state = trained(Keeps) | {"a.weight": change(torch.rand(3, 3))}
    model, notes = fast.build(nn.Sequential, {})
    assert notes == ()
    linear = {name.removeprefix("a."): value for name, value in state.items()}
    model, notes = fast.build(Three, linear)
    assert "differs from the model's in type, layout or shape" in notes[0]
    assert model.weight.dtype == torch.float32  # type: ignore[union-attr]
    assert model.weight.is_contiguous()  # type: ignore[union-attr,operator]


class Three(nn.Linear):
    def __init__(self) -> None:
        super().__init__(3, 3)


def test_weights_that_do_not_fit_raise_as_the_plain_way_does() -> None:
    with pytest.raises(RuntimeError, match="Missing key"):
        fast.build(Three, {"weight": torch.zeros(3, 3)})
    with pytest.raises(RuntimeError, match="size mismatch"):
        fast.build(Three, {"weight": torch.zeros(3, 4), "bias": torch.zeros(3)})


SEEDED = """
import json, sys, torch
from torch import nn
from tsnb.handlers import fast
class M(nn.Module):
    def __init__(self):
        super().__init__()
        if {inside}: torch.manual_seed(0)
        self.a = nn.Linear(3, 3)
if not {inside}: torch.manual_seed(0)
model, notes = fast.build(M, nn.ModuleDict({{"a": nn.Linear(3, 3)}}).state_dict())
print(json.dumps(notes))
"""


@pytest.mark.parametrize("inside", [True, False])
def test_who_sets_the_seed_gets_every_number_drawn(inside: bool) -> None:
    command = [sys.executable, "-c", SEEDED.format(inside=inside)]
    notes = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert "the random seed was set" in notes[0]
