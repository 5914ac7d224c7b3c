"""Inputs and weights from files: read as they are meant, refused in one line when not."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from vae_explain.models.builtin_vae import VAE

from .pages import CommandLine

Weights = dict[str, Tensor]


def values(cli: CommandLine, *arguments: str) -> dict[str, list[object]]:
    outcome = cli("forward", *arguments, "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    found: dict[str, list[object]] = json.loads(outcome.out)["values"]
    return found


@pytest.mark.parametrize(
    "text", ["1,2,3,4\n5,6,7,8\n", "a,b,c,d\n1,2,3,4\n5,6,7,8\n", "\ufeff1, 2, 3, 4\n\n5,6,7,8"]
)
def test_a_csv_is_rows(cli: CommandLine, tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text, encoding="utf-8")
    assert values(cli, "--x-file", str(path))["x"] == [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]


def test_an_npy_is_an_array(cli: CommandLine, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(8).reshape(2, 4))
    assert values(cli, "--x-file", str(tmp_path / "x.npy"))["x"][1] == [4.0, 5.0, 6.0, 7.0]
    np.save(tmp_path / "row.npy", np.arange(4.0))
    assert values(cli, "--x-file", str(tmp_path / "row.npy"))["x"] == [[0.0, 1.0, 2.0, 3.0]]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"1,2,3,4\n1,2\n", "line 2 has 2 numbers, but line 1 has 4"),
        ("a.csv", b"1,2,3,4\n1,2,x,4\n", "'x' in line 2 is not a number"),
        ("a.csv", b"1,2,3,1e40\n", "not finite"),
        ("a.csv", b"", "no numbers"),
        ("a.csv", b"\xff\xfe\x00", "not a text file"),
        ("a.csv", b"1,2,3\n", "shape [1, 3]"),
        ("a.npy", b"no array", "not a plain .npy"),
        ("a.npy", pickle.dumps({}), "not a plain .npy"),
        ("a.txt", b"1,2,3,4", "ends with .csv or .npy"),
    ],
)
def test_a_bad_input_file(
    cli: CommandLine, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    outcome = cli("forward", "--x-file", str(tmp_path / name))
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


def weights() -> Weights:
    torch.manual_seed(9)
    return dict(VAE().state_dict())


@pytest.mark.parametrize(
    "change",
    [
        dict,
        lambda found: {"state_dict": found, "epoch": 3},
    ],
    ids=["plain", "checkpoint"],
)
def test_weights_are_read(
    cli: CommandLine, tmp_path: Path, change: Callable[[Weights], dict[str, object]]
) -> None:
    torch.save(change(weights()), tmp_path / "w.pt")
    found = values(cli, "--weights", str(tmp_path / "w.pt"), "--arithmetic", "full")
    read = np.array(found["fc1.weight"], np.float32)
    assert np.array_equal(read, weights()["fc1.weight"].numpy())


@pytest.mark.parametrize("prefix", ["module.", "model.vae."])
def test_a_prefix_before_every_name_is_offered_to_be_taken_off(
    cli: CommandLine, tmp_path: Path, prefix: str
) -> None:
    torch.save({f"{prefix}{k}": v for k, v in weights().items()}, tmp_path / "w.pt")
    given = ("--weights", str(tmp_path / "w.pt"))
    refused = cli("forward", *given)
    assert (refused.code, refused.out) == (2, "")
    assert f"--strip-prefix {prefix}" in refused.err
    assert refused.err.count("\n") == 1
    found = values(cli, *given, "--strip-prefix", prefix, "--arithmetic", "full")
    assert np.array_equal(
        np.array(found["fc1.weight"], np.float32), weights()["fc1.weight"].numpy()
    )
    other = cli("forward", *given, "--strip-prefix", "other.")
    assert other.code == 2
    assert other.err.startswith("vae-explain: error: --strip-prefix")


def test_a_prefix_needs_a_file(cli: CommandLine) -> None:
    outcome = cli("forward", "--strip-prefix", "module.")
    assert outcome.code == 2
    assert "give --weights too" in outcome.err


def test_safetensors_and_half_precision(cli: CommandLine, tmp_path: Path) -> None:
    half = {name: tensor.half() for name, tensor in weights().items()}
    save_file(half, tmp_path / "w.safetensors")
    found = values(cli, "--weights", str(tmp_path / "w.safetensors"), "--arithmetic", "full")
    assert np.array_equal(np.array(found["fc1.bias"], np.float32), half["fc1.bias"].float().numpy())


def quantized(found: Weights) -> Weights:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bias = torch.quantize_per_tensor(found["fc1.bias"], 0.1, 0, torch.qint8)
    return found | {"fc1.bias": bias}


def by_rows(found: Weights) -> Weights:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return found | {"fc1.weight": found["fc1.weight"].to_sparse_csr()}


def nested(found: Weights) -> Weights:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bias = torch.nested.nested_tensor([found["fc1.bias"][:3], found["fc1.bias"][3:]])
    return found | {"fc1.bias": bias}


@pytest.mark.parametrize(
    "dtype",
    [torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16, torch.float64, torch.int8],
    ids=str,
)
def test_weights_of_every_type_are_read_in_the_model_s(
    cli: CommandLine, tmp_path: Path, dtype: torch.dtype
) -> None:
    kept = {name: tensor.to(dtype) for name, tensor in weights().items()}
    torch.save(kept, tmp_path / "w.pt")
    found = values(cli, "--weights", str(tmp_path / "w.pt"), "--arithmetic", "full")
    read = np.array(found["fc1.weight"], np.float32)
    assert np.array_equal(read, kept["fc1.weight"].float().numpy())


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"hello", "it is damaged, or was not written by"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>", "it is a web page"),
        (b"PK\x03\x04", "it is damaged"),
        (b"\x80\x09.", "it is damaged"),
        (b"\0" * 600, "it is damaged"),
        (pickle.dumps({"a": 1}), "w."),
    ],
)
def test_what_is_no_file_of_weights(
    cli: CommandLine, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    outcome = cli("forward", "--weights", str(tmp_path / name))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert words in outcome.err
    assert "weights_only" not in outcome.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: {k: v for k, v in w.items() if k != "fc1.bias"}, "lacks fc1.bias"),
        (lambda w: w | {"extra": torch.ones(1)}, "holds extra, which the model does not have"),
        (lambda w: w | {"fc1.bias": torch.ones(3)}, "fc1.bias of shape [3]"),
        (lambda w: w | {"fc1.bias": torch.full((8,), torch.nan)}, "not finite"),
        (lambda w: [1, 2], "holds no tensors by name"),
        (lambda w: w | {"fc1.bias": w["fc1.bias"].to_sparse()}, "the layout sparse_coo; save"),
        (by_rows, "the layout sparse_csr"),
        (lambda w: w | {"fc1.bias": w["fc1.bias"].to("meta")}, "no numbers for fc1.bias"),
        (lambda w: w | {"fc1.bias": w["fc1.bias"] * 1j}, "complex numbers in fc1.bias"),
        (lambda w: w | {"fc1.bias": w["fc1.bias"].double() * 1e300}, "not finite in float32"),
        (quantized, "fc1.bias quantized; save it by dequantize()"),
        (nested, "fc1.bias as a tensor of the layout nested; save it dense"),
        (lambda w: VAE(), "it holds more than tensors, vae_explain.models.builtin_vae.VAE among"),
    ],
)
def test_weights_that_do_not_fit(
    cli: CommandLine, tmp_path: Path, change: Callable[[Weights], object], words: str
) -> None:
    torch.save(change(weights()), tmp_path / "w.pth")
    outcome = cli("forward", "--weights", str(tmp_path / "w.pth"))
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


class Malicious:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.marker,))


def test_a_malicious_file_runs_nothing(cli: CommandLine, tmp_path: Path) -> None:
    marker = tmp_path / "it-ran"
    torch.save({"fc1.weight": Malicious(marker)}, tmp_path / "w.pt")
    outcome = cli("forward", "--weights", str(tmp_path / "w.pt"))
    assert outcome.code == 2
    assert "cannot be read as weights" in outcome.err
    assert not marker.exists()


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_a_truncated_file(cli: CommandLine, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{")
    outcome = cli("forward", "--weights", str(tmp_path / name))
    assert outcome.code == 2
    assert "cannot be read as weights: " in outcome.err
    assert outcome.err.count(str(tmp_path / name)) == 1
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("dims", "words"),
    [
        ("4-4", "odd number"),
        ("4", "odd number"),
        ("4-0-4", "from 1 to"),
        ("4--2-4", "whole number from 1"),
        ("4-1000000000-4", "from 1 to"),
        ("1000000-1000000-1000000", "GiB"),
        ("4-2-5", "the first and the last width equal"),
        ("4-x-4", "whole number"),
    ],
)
def test_dims_that_make_no_vae(cli: CommandLine, dims: str, words: str) -> None:
    outcome = cli("forward", "--dims", dims)
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    "shape",
    [
        ("--dims", "1-1-1"),
        ("--dims", "6-10-7-3-7-10-6", "--activation", "gelu"),
        ("--activation", "softplus", "--reduction", "mean", "--beta", "0.1"),
        ("--recon", "bce", "--x", "0,1,.5,.25", "--activation", "silu"),
        ("--activation", "leaky_relu", "--x", "1,2,3,4", "--x", "-1,0,2,1"),
        ("--activation", "elu", "--dims", "4-3-4"),
    ],
)
@pytest.mark.parametrize("command", [("forward",), ("backward",), ("check",), ("update",)])
def test_every_shape_of_the_built_in_vae(
    cli: CommandLine, command: tuple[str, ...], shape: tuple[str, ...]
) -> None:
    outcome = cli(*command, *shape)
    assert (outcome.code, outcome.err) == (0, "")
