"""The words of a document between the arithmetic: what each chapter is for.

They speak of what was run, its noise, its terms, its arithmetic, and claim nothing that a
run of another shape would belie.
"""

from __future__ import annotations

from ...engine.run import Run
from ..phrases import counted
from .page import is_large
from .tensors import is_big

Words = tuple[str, ...]


MAP: Words = (
    "The blocks of the model in the order in which they run, and what they make. Of what it does "
    "again and again one is worked out further down, with a word on where it is the same. Any "
    "number of the others can be asked for by its name, as vae-explain why takes it.",
)
WORDS: Words = ("What the words and signs above mean.",)
SAYS: Words = ("What the numbers of this run come to. Each is worked out further down.",)


def what_is_shown(run: Run) -> str:
    """Return the title of a document."""
    model = run.label.partition(" ")[0]
    if is_large(run):
        return f"The numbers of {model}"
    return f"Every number of a {model}" if model == "VAE" else f"Every number of {model}"


def arithmetic(run: Run) -> str:
    """Say which numbers a document computes with, as a reader needs it who has no command."""
    if run.arithmetic == "printed":
        return (
            f"Parameters and ε are rounded to {counted(run.decimals, 'decimal')}, as they are "
            "printed here, and everything else is computed from them, in float64."
        )
    return (
        f"All numbers are PyTorch's own, in {run.trace.loss.array.dtype}; they are printed rounded."
    )


def idea(run: Run) -> Words:
    """Say what a VAE is; nothing for a model that draws nothing."""
    if not _draws(run):
        return ()
    every = "one step of each kind" if is_large(run) else "every step"
    whole = (
        f"with {every} shown, and of large tensors their largest numbers"
        if any(is_big(value.array) for value in run.trace.values if value.name)
        else "with nothing left out"
    )
    ways = ", once forward and once back" if len(run.gradients) else ""
    return (
        "An autoencoder squeezes its input x through a narrow middle and learns to rebuild it "
        "on the other side. What stands in the middle is a code: a few numbers that must say "
        "enough about x to get it back. That is all that is asked of a code, so a plain "
        "autoencoder scatters its codes as it likes, and a point between two of them need not "
        "decode to anything.",
        "A variational autoencoder (VAE) asks for more. Its encoder answers not with a point "
        "but with a distribution over codes, q(z|x): a Gaussian, with a mean μ and a standard "
        "deviation σ in each dimension. A code z is drawn from it, and from that draw the "
        "decoder has to rebuild x. Nor are the distributions free. Each is pulled towards one "
        "and the same prior, the standard Gaussian N(0, I), so the codes of different inputs "
        "come to lie side by side, and a z drawn from the prior alone decodes to something "
        "new. This is what makes the model generative.",
        "The two wishes are the two terms of the loss. The reconstruction term asks the decoder "
        "to return x; the Kullback–Leibler divergence (KL) asks q(z|x) to stay near the prior. "
        "In its textbook form (Kingma and Welling, 2014) their sum is, up to a constant, the "
        "negative of the evidence lower bound, the ELBO: where it is small, the model finds the "
        "data likely. A weight on one term, as many models have it, trades one wish against the "
        "other.",
        f"What follows is one run of such a model{ways}, {whole}.",
    )


def model(run: Run) -> Words:
    """Introduce the layers."""
    if not _has_parameters(run):
        return ("Each step takes the numbers before it and makes new ones of them.",)
    return (
        "The model is a chain of layers. Each takes the numbers before it and makes new ones, "
        "and what it makes of them is decided by its parameters.",
    )


def picture(run: Run) -> str:
    """Say how to read the picture of the model."""
    words = (
        "From left to right. Each circle is one number of this run: orange for positive, blue "
        "for negative, empty for zero, and the deeper the shade, the larger the number beside "
        "the others of its layer. A layer too wide for circles is a block of stripes. The lines "
        "of a layer have the colours of their weights, the largest the strongest."
    )
    if any(value.kind == "input" and value.shape[:1] > (1,) for value in run.trace.values):
        words += " Of a batch, row 0 is shown."
    if run.trace.terms:
        words += " At the right stand the terms of the loss and what each is made from."
    if _draws(run):
        words += (
            " What has a dashed line is drawn at random: it alone does not follow from x and "
            "the parameters."
        )
    return words


def parameters(run: Run) -> Words:
    """Say where the parameters come from and how they are written."""
    if not _has_parameters(run):
        sources = "the input and the noise" if _draws(run) else "the input"
        return (f"This model has none: all of its numbers follow from {sources}.",)
    rounded = (
        f" They are rounded here to {counted(run.decimals, 'decimal')}, and the run starts from "
        "these rounded numbers: with paper and a pocket calculator, one arrives at every number "
        "below."
        if run.arithmetic == "printed"
        else ""
    )
    return (
        "The parameters are what training changes. All else follows from them, the input and "
        "the noise. Of a weight, row i belongs to unit i of its layer, and each column to one "
        f"of the numbers that go in.{rounded}",
    )


def forward(run: Run) -> Words:
    """Introduce the forward pass."""
    return (
        "Each step says first what it computes, as a formula over whole tensors, and then does "
        "it number by number. What a step has made is used further down under its name.",
    )


def loss(run: Run) -> Words:
    """Introduce the terms of the loss."""
    terms = run.trace.terms
    if len(terms) < 2:
        return ("Training sees one number of all this, and makes it smaller.",)
    return (
        f"Training sees one number of all this. It is a sum of {_count(len(terms))} terms, and "
        "they do not want the same.",
    )


def backward(run: Run) -> Words:
    """Introduce the chain rule; nothing where nothing has a gradient."""
    if len(run.gradients) == 0:
        return ()
    chain_rule = (
        "How would the loss change if one number of the run were a little larger? For the last "
        "numbers that is plain to see. For an earlier one it follows from those it went into: "
        "what arrives from each of them, times the local derivative, summed over all ways that "
        "lead on. This is the chain rule. Backpropagation is nothing else, done once for every "
        "number in the reverse order of the forward pass, so that what a step needs is always "
        "there already."
    )
    section = (
        "Each section is one value. It begins with what arrives there, number by number, and "
        "where several terms of the loss send a part of it, says which part."
    )
    if run.learning:
        section += (
            " Where a layer made the value, the gradients of its parameters follow. They are "
            "what we went back for."
        )
    return (chain_rule, section)


def update(run: Run) -> Words:
    """Introduce the step of gradient descent."""
    again = "the same x and the same ε go" if _draws(run) else "the same x goes"
    return (
        "A gradient is of use once something moves along it. Here every parameter takes one "
        f"step; then {again} through the model again, to see what came of it.",
    )


def checks(run: Run) -> Words:
    """Introduce the oracles."""
    lines = (
        "No line of arithmetic above was typed. Each is an expression that was evaluated before "
        "it was written, and its value was held against the one that PyTorch "
        f"{run.trace.torch_version} has for the same number. A line that failed would be marked "
        "where it stands."
    )
    if not run.learning:
        return (lines,)
    return (
        lines,
        "So the lines add up. Whether they are the right lines is another question, and it is "
        "put to somebody who had no part in making them.",
    )


def _has_parameters(run: Run) -> bool:
    return any(value.kind == "parameter" for value in run.trace.values)


def _draws(run: Run) -> bool:
    return any(value.kind == "noise" for value in run.trace.values)


def _count(number: int) -> str:
    names = {2: "two", 3: "three", 4: "four", 5: "five"}
    return names.get(number, str(number))
