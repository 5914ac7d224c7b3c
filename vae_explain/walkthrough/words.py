"""The words of a document between the arithmetic: what each chapter is for.

They speak of what was run, its noise, its terms, its arithmetic, and claim nothing that a
run of another shape would belie.
"""

from __future__ import annotations

from ..run import PRINTED_DECIMALS, Run

Words = tuple[str, ...]


def what_is_shown(run: Run) -> str:
    """Return the title of a document."""
    model = run.label.partition(" ")[0]
    return f"Every number of a {model}" if model == "VAE" else f"Every number of {model}"


def idea(run: Run) -> Words:
    """Say what a VAE is; nothing for a model that draws nothing."""
    if not any(value.kind == "noise" for value in run.trace.values):
        return ()
    return (
        "An autoencoder squeezes its input x through a narrow middle and learns to rebuild it "
        "on the other side. What stands in the middle is a code: a few numbers that must say "
        "enough about x to get it back. Nothing else is asked of the codes, and so a plain "
        "autoencoder scatters them as it likes. A point between two codes need not decode to "
        "anything.",
        "A variational autoencoder (VAE) asks for more. Its encoder answers not with a point "
        "but with a distribution over codes, q(z|x), a Gaussian with a mean μ and a standard "
        "deviation σ for each dimension. A code z is drawn from it, and the decoder has to "
        "rebuild x from that draw. And the distributions are not free: each is pulled towards "
        "one and the same prior, the standard Gaussian N(0, I). Codes of different inputs "
        "come to lie side by side, and a z drawn from the prior alone decodes to something "
        "new. That makes the model generative.",
        "The two wishes are the two terms of its loss. The reconstruction term asks the "
        "decoder to return x; the Kullback–Leibler divergence (KL) asks q(z|x) to stay near "
        "the prior. Their sum is, up to a constant, an upper bound on −log p(x), so whoever "
        "makes it small makes the data likely: it is the negative of the evidence lower "
        "bound, the ELBO (Kingma and Welling, 2014).",
        "What follows is one run of such a model, once forward and once back, with nothing "
        "left out.",
    )


def model(run: Run) -> Words:
    """Introduce the layers."""
    return (
        "The model is a chain of layers. Each takes the numbers before it and makes new ones, "
        "and what it makes depends on its parameters.",
    )


def picture(run: Run) -> str:
    """Say how to read the picture of the model."""
    words = (
        "From left to right. Each circle is one number of this run: orange for positive, blue "
        "for negative, empty for zero, and the deeper the shade, the larger the number beside "
        "the others of its layer. A layer too wide for circles is a block of stripes."
    )
    if any(value.kind == "noise" for value in run.trace.values):
        words += (
            " Dashed circles are drawn at random: they alone do not follow from x and the "
            "parameters."
        )
    return words


def parameters(run: Run) -> Words:
    """Say where the parameters come from and how they are written."""
    drawn = (
        "" if run.seed is None else f" They start as random numbers, here those of seed {run.seed}."
    )
    rounded = (
        f" Everything from here on is computed from them as they are printed, rounded to "
        f"{PRINTED_DECIMALS} decimals: whoever starts from this page arrives at its numbers."
        if run.arithmetic == "printed"
        else " They are printed rounded, but everything is computed from PyTorch's float32."
    )
    return (
        "The parameters are what training changes; all else follows from them, the input "
        f"and the noise. Row i of a weight belongs to unit i of its layer.{drawn}{rounded}",
    )


def forward(run: Run) -> Words:
    """Introduce the forward pass."""
    return (
        "Forward, every step says first what it computes, as a formula over whole tensors, "
        "and then does it number by number. What was computed once is used further down "
        "under its name.",
    )


def loss(run: Run) -> Words:
    """Introduce the terms of the loss."""
    terms = run.trace.terms
    if len(terms) < 2:
        return ("What the run amounts to is one number, and training makes it smaller.",)
    return (
        "All that training will see of this run is one number. It is a sum, and its "
        f"{_count(len(terms))} terms want different things.",
    )


def backward(run: Run) -> Words:
    """Introduce the chain rule."""
    top = run.trace.loss.name or "loss"
    return (
        f"Now backwards. How would {top} change if one number of the run were a little "
        "larger? For the last numbers the answer is plain, and for every earlier one it "
        "follows from those it went into: what arrives from above, times the local "
        "derivative, summed over all ways that lead on. That is the chain rule, and "
        "backpropagation is nothing else, done once for every number in the reverse order "
        "of the forward pass.",
        "Each section is one value. It begins with what arrives there, worked out number by "
        "number, and says which part each term of the loss sends. Where a layer made the "
        "value, the gradients of its weight and bias follow: they are why we went back.",
    )


def update(run: Run) -> Words:
    """Introduce the step of gradient descent."""
    return (
        "A gradient is of use when something moves along it. This is one step of plain "
        "gradient descent, the same for every parameter.",
    )


def checks(run: Run) -> Words:
    """Introduce the oracles."""
    return (
        "No line above was typed by hand. Each is an expression that was evaluated before it "
        "was written, and its result was held against the number that PyTorch "
        f"{run.trace.torch_version} has for the same run. A line that had failed would be "
        "marked where it stands.",
        "That shows that the lines add up. Whether the gradients are right is asked "
        "separately, of others who did not take part in making them.",
    )


def _count(number: int) -> str:
    names = {2: "two", 3: "three", 4: "four", 5: "five"}
    return names.get(number, str(number))
