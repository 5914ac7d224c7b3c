"""Every rule of the registry, on each of its examples, against PyTorch and itself.

Nothing here knows an op by name but the few tests at the end: whoever adds an op adds
its examples in `tests/examples/`, and with them it gets all of its tests.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vae_explain import ops
from vae_explain.analysis.judge import ADDED_AT, BIAS_AT
from vae_explain.engine.graph import Graph
from vae_explain.ops import (
    ALIASES,
    RULES,
    Call,
    NotExplained,
    Rule,
    rule_of,
)
from vae_explain.ops.broadcasting import indices
from vae_explain.recording.recorder import record
from vae_explain.symbolic.expression import Number, Ref, references
from vae_explain.symbolic.measure import evaluate
from vae_explain.symbolic.whole import evaluate_whole
from vae_explain.trace import Array

from .examples import EXAMPLES, FAMILIES, Example, examples_of, not_analytic
from .support import (
    LETTERS,
    WHOLE_FUNCTIONS,
    NamedOperand,
    as_far_as_pytorch_differentiates,
    call_of,
    call_torch,
    is_float,
    tensors_of,
    total_gradient,
    upstream_for,
    varying,
)

COMPUTED = [rule for rule in RULES.values() if not rule.source]
SOURCES = [rule for rule in RULES.values() if rule.source]


def described(rule: Rule, example: Example, position: int) -> str:
    shapes = ",".join("x".join(map(str, np.shape(a))) or "scalar" for a in example.operands)
    attributes = ",".join(f"{key}={value}" for key, value in example.attributes.items())
    return f"{rule.name}-{position}-{shapes}" + (f"-{attributes}" if attributes else "")


def examples(*, analytic_only: bool = False) -> list[Any]:
    """Return the examples of all rules as parameters whose ids name op and example."""
    found = []
    for rule in COMPUTED:
        for position, example in enumerate(examples_of(rule)):
            skip = analytic_only and not_analytic(rule)
            marks = [pytest.mark.skip(reason=not_analytic(rule))] if skip else []
            name = described(rule, example, position)
            found.append(pytest.param(rule, example, id=name, marks=marks))
    return found


def calls() -> list[Any]:
    """Return the examples, and again those with a single number beside a tensor: as constant."""
    found = []
    for rule, example, name in ((*p.values, p.id) for p in examples()):
        found.append(pytest.param(rule, example, False, id=name))
        if len(example.operands) > 1 and any(array.ndim == 0 for array in example.operands):
            found.append(pytest.param(rule, example, True, id=f"{name}-constant"))
    return found


on_every_example = pytest.mark.parametrize(("rule", "example"), examples())
on_every_call = pytest.mark.parametrize(("rule", "example", "constants"), calls())
on_every_analytic_example = pytest.mark.parametrize(
    ("rule", "example"), examples(analytic_only=True)
)
on_every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
on_every_source = pytest.mark.parametrize("rule", SOURCES, ids=lambda rule: rule.name)
with_seeds = pytest.mark.parametrize("seed", [0, 1, 2])


# --- the registry -----------------------------------------------------------------------


def test_every_rule_of_every_file_is_listed_once() -> None:
    files = [
        import_module(f"{family.__name__}.{path.stem}")
        for family in ops.FAMILIES
        for path in Path(str(family.__file__)).parent.glob("*.py")
    ]
    written = {
        value.name
        for file in files
        for name, value in vars(file).items()
        if isinstance(value, Rule) and name[0].isupper()
    }
    listed = [
        op for family in ops.FAMILIES for file in family.FILES.values() for op in file.split()
    ]
    assert sorted(listed) == sorted(written)
    assert {name: rule.name for name, rule in RULES.items()} == {name: name for name in listed}


def test_a_rule_is_loaded_when_it_is_wanted() -> None:
    code = (
        "import sys; from vae_explain.ops import RULES; RULES['exp'], 'conv2d' in RULES;"
        "print([name for name in sys.modules if name.startswith('vae_explain.ops.layers.')])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_an_alias_is_a_name_that_no_rule_has_of_one_that_is_there() -> None:
    for alias, name in ALIASES.items():
        assert alias not in RULES
        assert rule_of(alias) is RULES[name]
    assert rule_of("no such op") is None


@on_every_example
def test_an_op_is_of_the_kind_that_its_rule_says(rule: Rule, example: Example) -> None:
    call = call_of(rule, example)
    shape = call.output.shape
    for index in islice(indices(shape), 4):
        parts = references(rule.element(call, index))
        match rule.kind:
            case "copy":
                assert isinstance(rule.element(call, index), Ref | Number)
            case "elementwise":
                assert len({part.name for part in parts}) == len(parts), "one of each operand"
            case "contraction":
                for position in range(len(call.operands)):
                    own = LETTERS[position]
                    for at in islice(indices(call.operands[position].shape), 4):
                        slopes = [slope for _, slope in rule.partials(call, position, at)]
                        used = {part.name for slope in slopes for part in references(slope)}
                        assert own not in used, "it is linear in each operand"
    if rule.kind == "reduction":
        assert len(list(indices(shape))) <= call.operands[0].array.size


@on_every_example
def test_what_adds_up_numbers_is_no_larger_than_they_are_in_all(
    rule: Rule, example: Example
) -> None:
    output = rule.forward(*example.operands, **example.attributes)
    match rule.adds_up:
        case "terms":
            sizes = rule.forward(*map(np.abs, example.operands), **example.attributes)
            assert (np.abs(output) <= sizes * (1 + 1e-12)).all()
        case "positive":
            assert (output >= 0).all()


@on_every_rule
def test_every_rule_can_be_tested_and_told(rule: Rule) -> None:
    assert rule.words
    assert rule.pytorch.startswith("torch.")


@on_every_rule
def test_every_rule_but_a_source_has_examples(rule: Rule) -> None:
    if rule.source:
        assert not examples_of(rule), f"{rule.name} computes nothing to test"
    else:
        assert examples_of(rule), f"{rule.name} has no examples in tests/examples/"


def test_all_examples_are_of_a_rule_and_in_one_family() -> None:
    names = [name for family in FAMILIES for name in family]
    assert sorted(names) == sorted(EXAMPLES)
    assert set(names) <= set(RULES)


# --- numbers ----------------------------------------------------------------------------


def vjp_of(rule: Rule, example: Example, upstream: Array) -> tuple[Array | None, ...]:
    output = rule.forward(*example.operands, **example.attributes)
    return rule.vjp(upstream, output, *example.operands, **example.attributes)


# The first version of PyTorch that has the rule's slopes at every point, where an earlier one
# has others at one or two of them: which, the rule's own file says.
SLOPES_SINCE = {"hardswish": "2.7", "atan2": "2.10"}


def has_other_slopes(rule: Rule) -> bool:
    """Whether this PyTorch has other slopes than the rule at a point or two."""
    return rule.name in SLOPES_SINCE and torch.__version__ < SLOPES_SINCE[rule.name]


def skip_other_slopes(rule: Rule) -> None:
    """Skip a test of autograd's slopes where this PyTorch has others than the rule."""
    if has_other_slopes(rule):
        pytest.skip(f"before {SLOPES_SINCE[rule.name]} PyTorch has other slopes at a point")


@on_every_example
def test_forward_is_that_of_torch(rule: Rule, example: Example) -> None:
    found = rule.forward(*example.operands, **example.attributes)
    expected = call_torch(rule, tensors_of(example), example).detach().numpy()
    assert isinstance(found, np.ndarray | np.generic)
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=0)


@with_seeds
@on_every_example
def test_vjp_is_autograd(rule: Rule, example: Example, seed: int) -> None:
    skip_other_slopes(rule)
    tensors = tensors_of(example)
    output = call_torch(rule, tensors, example)
    upstream = upstream_for(tuple(output.shape), seed)
    wanted = [tensor for tensor in tensors if tensor.requires_grad]
    grad = torch.autograd.grad
    with as_far_as_pytorch_differentiates():
        expected = iter(grad(output, wanted, torch.from_numpy(upstream)) if wanted else ())
    found = vjp_of(rule, example, upstream)
    for position, (mine, tensor) in enumerate(zip(found, tensors, strict=True)):
        if not tensor.requires_grad:
            assert mine is None, f"operand {position}"
            continue
        theirs = next(expected)
        assert mine is not None
        assert np.shape(mine) == theirs.shape, f"operand {position}"
        np.testing.assert_allclose(
            mine, theirs.numpy(), rtol=1e-13, atol=1e-14, err_msg=f"operand {position}"
        )


@with_seeds
@on_every_analytic_example
def test_vjp_is_the_complex_step_of_forward(rule: Rule, example: Example, seed: int) -> None:
    output = rule.forward(*example.operands, **example.attributes)
    upstream = upstream_for(np.shape(output), seed)
    found = vjp_of(rule, example, upstream)
    step = 1e-200
    for position, operand in enumerate(example.operands):
        if not varying(example)[position]:
            continue
        expected = np.zeros(operand.shape)
        for index in np.ndindex(*operand.shape):
            moved = [a.astype(complex) if is_float(a) else a for a in example.operands]
            moved[position][index] += 1j * step
            slope = np.imag(rule.forward(*moved, **example.attributes)) / step
            expected[index] = (upstream * slope).sum()
        mine = found[position]
        assert mine is not None
        # A derivative that is itself no real number, as that of (-1)ⁿ by n, is none to hold.
        real = np.isfinite(mine)
        np.testing.assert_allclose(
            np.asarray(mine)[real], expected[real], rtol=1e-13, atol=1e-14,
            err_msg=f"operand {position}",
        )  # fmt: skip


@on_every_example
def test_the_vjp_at_one_position_is_that_of_all(rule: Rule, example: Example) -> None:
    if rule.vjp_of is None:
        assert rule.name != "linear", "it is the one whose parts cost most"
        return
    output = rule.forward(*example.operands, **example.attributes)
    given = (upstream_for(np.shape(output), 3), output, *example.operands)
    for position, expected in enumerate(rule.vjp(*given, **example.attributes)):
        found = rule.vjp_of(position, *given, **example.attributes)
        np.testing.assert_array_equal(found, expected, err_msg=f"operand {position}")


@on_every_example
def test_the_vjp_as_pytorch_computes_it_is_the_same(rule: Rule, example: Example) -> None:
    if rule.vjp_computed is None:
        assert rule.name != "softsign", "it is the one whose parts cancel most"
        return
    output = rule.forward(*example.operands, **example.attributes)
    given = (upstream_for(np.shape(output), 3), output, *example.operands)
    steps: list[Array] = []

    def seen(array: Array) -> Array:
        steps.append(array)
        return array

    found = rule.vjp_computed(seen, *given, **example.attributes)
    expected = rule.vjp(*given, **example.attributes)
    assert steps
    for position, (mine, other) in enumerate(zip(found, expected, strict=True)):
        assert mine is not None
        assert other is not None
        np.testing.assert_allclose(
            mine, other, rtol=1e-13, atol=1e-14, err_msg=f"operand {position}"
        )


@on_every_example
def test_how_an_operand_lies_in_memory_does_not_matter(rule: Rule, example: Example) -> None:
    operands = tuple(map(scattered, example.operands))
    moved = Example(operands, example.attributes, example.args, example.kwargs, example.fixed)
    expected = rule.forward(*example.operands, **example.attributes)
    np.testing.assert_allclose(
        rule.forward(*operands, **example.attributes), expected, rtol=1e-14, atol=1e-15
    )
    upstream = scattered(upstream_for(np.shape(expected), seed=6))
    pairs = zip(vjp_of(rule, moved, upstream), vjp_of(rule, example, upstream), strict=True)
    for position, (found, plain) in enumerate(pairs):
        assert (found is None) == (plain is None)
        if found is not None and plain is not None:
            np.testing.assert_allclose(
                found, plain, rtol=1e-13, atol=1e-14, err_msg=f"operand {position}"
            )


def scattered(array: Array) -> Array:
    """Return the same numbers in columns and with gaps between them."""
    wide = np.zeros((*array.shape[::-1], 2), array.dtype)
    view: Array = wide[..., 0].T
    view[...] = array
    return view


@on_every_example
def test_float32_stays_float32(rule: Rule, example: Example) -> None:
    arrays = tuple(a.astype(np.float32) if is_float(a) else a for a in example.operands)
    output = rule.forward(*arrays, **example.attributes)
    theirs = call_torch(rule, tensors_of(example, torch.float32), example)
    if not theirs.is_floating_point():
        assert np.issubdtype(np.asarray(output).dtype, np.integer)
        return
    assert np.asarray(output).dtype == np.float32
    np.testing.assert_allclose(output, theirs.detach().numpy(), rtol=1e-6)
    for gradient in rule.vjp(np.ones_like(output), output, *arrays, **example.attributes):
        assert gradient is None or np.asarray(gradient).dtype == np.float32


@on_every_example
def test_operands_are_left_as_they_were(rule: Rule, example: Example) -> None:
    before = [array.copy() for array in example.operands]
    output = rule.forward(*example.operands, **example.attributes)
    vjp_of(rule, example, np.ones_like(output))
    for array, kept in zip(example.operands, before, strict=True):
        np.testing.assert_array_equal(array, kept)


# --- binding ----------------------------------------------------------------------------


@on_every_example
def test_what_the_recorder_hands_over_binds_to_the_example(rule: Rule, example: Example) -> None:
    tensors = tensors_of(example)
    if rule.pytorch.endswith("_"):
        tensors[0] = tensors[0].clone()  # PyTorch writes to no leaf
    inputs = dict(zip(LETTERS, tensors, strict=False))
    with as_far_as_pytorch_differentiates():
        trace = record(
            lambda: (call_torch(rule, tensors, example) * 1.0).sum(), modules={}, inputs=inputs
        )
    operation = trace.operations[0]
    assert operation.name == rule.name
    bound = Graph(trace).operations[example.attributes.get("output", 0)]
    assert not bound.reason
    assert bound.operands == tuple(range(len(tensors)))
    assert all(bound.slots)
    arrays = tuple(trace.values[number].array for number in range(len(tensors)))
    np.testing.assert_allclose(
        rule.forward(*arrays, **bound.attributes), trace.values[bound.output].array, rtol=1e-14
    )
    for key, value in example.attributes.items():
        # The record states what depends on the precision, as the eps of an RMS norm.
        assert bound.attributes[key] == value or value is None, key


# --- expressions ------------------------------------------------------------------------


@on_every_call
def test_every_element_expression_is_the_element(
    rule: Rule, example: Example, constants: bool
) -> None:
    call = call_of(rule, example, constants)
    output = np.asarray(call.output.array)
    for index in np.ndindex(*output.shape):
        element = rule.element(call, index)
        assert evaluate(element) == pytest.approx(output[index], rel=1e-13), index


@on_every_call
def test_a_number_that_only_a_line_speaks_of_says_how_it_is_made(
    rule: Rule, example: Example, constants: bool
) -> None:
    call = call_of(rule, example, constants)
    output = np.asarray(call.output.array)
    lines = [rule.element(call, index) for index in np.ndindex(*output.shape)]
    spoken = {ref for line in lines for ref in references(line)}
    while spoken:
        ref = spoken.pop()
        if ref.made is None:
            assert ref.name in (*LETTERS, "y"), f"{ref.name} stands for nothing"
            continue
        made = ref.made()
        assert evaluate(made) == pytest.approx(ref.value, rel=1e-13), ref.name
        spoken |= set(references(made)) - {ref}


@on_every_call
def test_the_partials_add_up_to_the_gradient(rule: Rule, example: Example, constants: bool) -> None:
    call = call_of(rule, example, constants)
    upstream = upstream_for(call.output.shape, seed=3)
    expected = vjp_of(rule, example, upstream)
    for position, gradient in enumerate(expected):
        if gradient is None:
            assert not varying(example)[position]
            continue
        np.testing.assert_allclose(
            total_gradient(rule, call, position, upstream), gradient,
            rtol=1e-13, atol=1e-14, err_msg=f"operand {position}",
        )  # fmt: skip


@on_every_call
def test_partials_name_each_output_once(rule: Rule, example: Example, constants: bool) -> None:
    call = call_of(rule, example, constants)
    for position, operand in enumerate(call.operands):
        for index in np.ndindex(*operand.shape):
            outputs = [out for out, _ in rule.partials(call, position, index)]
            assert len(set(outputs)) == len(outputs)


@on_every_call
def test_the_formula_is_the_whole_output(rule: Rule, example: Example, constants: bool) -> None:
    call = call_of(rule, example, constants)
    found = evaluate_whole(rule.formula(call), WHOLE_FUNCTIONS)
    assert np.shape(found) == call.output.shape
    np.testing.assert_allclose(found, call.output.array, rtol=1e-13)


@on_every_call
def test_the_gradient_formula_is_the_whole_gradient(
    rule: Rule, example: Example, constants: bool
) -> None:
    call = call_of(rule, example, constants)
    upstream = upstream_for(call.output.shape, seed=4)
    named = Ref("g", role="gradient", value=upstream)
    for position, expected in enumerate(vjp_of(rule, example, upstream)):
        if expected is None:
            assert not varying(example)[position]
            continue
        formula = rule.gradient(call, position, named)
        with np.errstate(invalid="ignore"):
            found = evaluate_whole(formula, WHOLE_FUNCTIONS)
        # A formula may leave to broadcasting what it repeats, but may not make it larger.
        found = np.broadcast_to(found, call.operands[position].shape)
        np.testing.assert_allclose(
            found, expected, rtol=1e-13, atol=1e-14, err_msg=f"operand {position}"
        )


# --- sources ----------------------------------------------------------------------------


@on_every_source
def test_a_source_has_an_output_and_no_arithmetic(rule: Rule) -> None:
    eps = NamedOperand("eps", np.array([[0.5, -1.0]]))
    call = Call((), eps)
    assert rule.bind((1, 2), generator=None) == ((), {})
    assert rule.element(call, (0, 1)) == Ref("eps", (0, 1))
    assert rule.formula(call) == Ref("eps")
    assert rule.partials(call, 0, (0, 1)) == []
    assert rule.vjp(np.ones((1, 2)), eps.array) == ()
    with pytest.raises(NotExplained):
        rule.forward()
    with pytest.raises(NotExplained):
        rule.gradient(call, 0, Number(1.0))


# --- what is said of ops elsewhere ------------------------------------------------------


@on_every_example
def test_where_a_contraction_adds_an_operand_is_known(rule: Rule, example: Example) -> None:
    if rule.kind != "contraction":
        return
    call = call_of(rule, example)
    for position, operand in enumerate(call.operands):
        first = next(indices(operand.shape), None)
        slopes = [slope for _, slope in rule.partials(call, position, first)] if first else []
        if len(slopes) > 1 and all(slope == Number(1.0) for slope in slopes):
            assert position in ADDED_AT.get(rule.name, BIAS_AT)
