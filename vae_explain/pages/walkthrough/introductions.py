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
    "The blocks of the model in the order in which they run, and what they make. Of repeated "
    "blocks one is worked out further down, with a note on where the same happens again. Any "
    "number of the others can be asked for by its name, with vae-explain why.",
)
WORDS: Words = ("What the words and signs above mean.",)
SAYS: Words = (
    "A summary of this run. Other draws and predictions are made for this summary only; all else "
    "is worked out further down. Indices count from 0.",
)


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
            f"Parameters and ε are rounded to {counted(run.decimals, 'decimal')} before the run, "
            "and everything else is computed from these rounded numbers, in double precision."
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
    ways = ", one forward and one backward pass" if len(run.gradients) else ""
    return (
        "An autoencoder squeezes its input x through a narrow middle and learns to rebuild it "
        "on the other side. In the middle is a code: a few numbers that must contain enough "
        "information to rebuild x. Nothing more is asked of it, so a plain autoencoder may place "
        "its codes anywhere, and a point between two of them need not decode to anything.",
        "A variational autoencoder (VAE) asks for more. Its encoder gives not a point but a "
        "distribution over codes, q(z|x): a Gaussian, with a mean μ and a standard deviation σ in "
        "each dimension. A code z is drawn from it, and from that draw the decoder has to rebuild "
        "x. The distributions are not free either. Each is pulled towards the same prior, "
        "the standard Gaussian N(0, I), so the codes of different inputs "
        "come to lie side by side, and a z drawn from the prior alone decodes to something "
        "new. This is what makes the model generative.",
        "These two requirements are the two terms of the loss. The reconstruction term asks the "
        "decoder to return x; the Kullback–Leibler divergence (KL) asks q(z|x) to stay near the "
        "prior. In its textbook form (Kingma and Welling, 2014) their sum is, but for a constant, "
        "the negative of the evidence lower bound, the ELBO: where it is small, the model "
        "finds the data likely. Many models put a weight, β, on the KL to trade one requirement "
        "against the other.",
        f"What follows is one run of such a model{ways}, {whole}.",
    )


def model(run: Run) -> Words:
    """Introduce the layers."""
    if not _has_parameters(run):
        return ("Each step takes the numbers before it and makes new ones of them.",)
    return (
        "The model is a chain of layers. Each takes the numbers before it and makes new ones, "
        "and its output depends on its parameters.",
    )


def picture(run: Run) -> str:
    """Say how to read the picture of the model."""
    words = (
        "From left to right. Each circle is one number of this run: orange for positive, blue "
        "for negative, empty for zero, and the deeper the shade, the larger the number relative "
        "to the others of its layer. A layer too wide for circles is a block of stripes. Lines are "
        "coloured by the sign of their weight, the largest weights most strongly."
    )
    if any(value.shape[:1] > (1,) for value in run.trace.inputs):
        words += " Of a batch, row 0 is shown."
    if run.trace.terms:
        words += " On the right are the terms of the loss and what each is made from."
    if _draws(run):
        words += (
            " A dashed outline marks what is drawn at random, and so does not follow from x and "
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
        "these rounded numbers: with a pocket calculator you can check every line below."
        if run.arithmetic == "printed"
        else ""
    )
    return (
        "The parameters are what training changes. Everything else follows from them, the input "
        "and the noise. Row i of a weight matrix belongs to unit i of its layer, and each column "
        f"to one of the layer's inputs.{rounded}",
    )


def forward(run: Run) -> Words:
    """Introduce the forward pass."""
    return (
        "Each step says first what it computes, as a formula over whole tensors, and then does "
        "it number by number. Later steps refer to each result by its name. Numbers have as many "
        "digits as it takes to recompute each result, so a line may show more of a number than the "
        "line that made it. In a table of sums the largest part of each row is marked, and the sum "
        "stands last.",
    )


def loss(run: Run) -> Words:
    """Introduce the terms of the loss."""
    terms = run.trace.terms
    if len(terms) < 2:
        return ("Training makes a single number smaller, the loss.",)
    return (
        f"Training makes a single number smaller, the loss: a sum of {_count(len(terms))} terms "
        "that may pull in different directions.",
    )


def backward(run: Run) -> Words:
    """Introduce the chain rule; nothing where nothing has a gradient."""
    if len(run.gradients) == 0:
        return ()
    chain_rule = (
        "How would the loss change if one number of the run were a little larger? For the last "
        "numbers that is easy to see. For an earlier one it follows from those it went into: "
        "the gradient of each of them, times the local derivative, summed over all paths to the "
        "loss. This is the chain rule. Backpropagation is the chain rule applied once to every "
        "number, in the reverse order of the forward pass, so that all that a step needs has "
        "already been computed."
    )
    section = (
        "Each section treats one value. It begins with the gradient that arrives there, number by "
        "number, and shows what each term of the loss contributes. A column KL by mu has what the "
        "KL sends through mu; the parts of a row add up to its number."
    )
    if run.learning:
        section += (
            " Where a layer made the value, the gradients of its parameters follow: the "
            "goal of the backward pass."
        )
    return (chain_rule, section)


def update(run: Run) -> Words:
    """Introduce the step of gradient descent."""
    again = "the same x and the same ε go" if _draws(run) else "the same x goes"
    return (
        "A gradient is useful when it is used to change the parameters. Here every one takes a "
        "step against its gradient. To first order the loss then falls by lr times the sum of the "
        "squares of all gradients; as the gradients change on the way, it falls by another amount. "
        f"Then {again} through the model again, to see what came of it.",
    )


def checks(run: Run) -> Words:
    """Introduce the independent computations."""
    given = ", from the same rounded numbers" if run.arithmetic == "printed" else ""
    lines = (
        "No line of arithmetic above was typed by hand. Each is an expression that was evaluated "
        f"before it was written, and its value was compared with the one that PyTorch "
        f"{run.trace.torch_version} has for the same number{given}. A line that failed would be "
        "marked where it stands."
    )
    if not run.learning:
        return (lines,)
    return (
        lines,
        "So each line is right as arithmetic. That the formulas themselves are right is checked "
        "next, by computations that do not use them.",
    )


def _has_parameters(run: Run) -> bool:
    return bool(run.trace.parameters)


def _draws(run: Run) -> bool:
    return bool(run.trace.draws)


def _count(number: int) -> str:
    names = {2: "two", 3: "three", 4: "four", 5: "five"}
    return names.get(number, str(number))
