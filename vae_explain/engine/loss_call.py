"""The call that gave the loss of a user's model, as text for a page's header.

We match the outputs of a model to the parameters of its loss; the header shows what each
parameter got. Nothing here holds a tensor.
"""

from __future__ import annotations

from ..quick_classes import NamedTuple


class Argument(NamedTuple):
    """What one parameter of a loss got.

    Attributes
    ----------
    parameter
        Its name; empty for an argument that was passed by position.
    source
        Where the argument comes from, as code: `x`, the name that the model's code or its output
        has for a part of what it returned, `model(x)[1]` for a part without one, or a number.
    default
        Whether it is the loss's own default.
    """

    parameter: str
    source: str
    default: bool = False

    @property
    def text(self) -> str:
        return f"{self.parameter}={self.source}" if self.parameter else self.source


class LossCall(NamedTuple):
    """The call that gave the loss.

    Attributes
    ----------
    function
        What was called: `loss_function`, `VAE.loss_function`, or `model` where the model itself
        returned its loss.
    arguments
        In the order in which the function has them; none where `function` is a whole expression.
    taken
        The part of the result that is the loss, as code: `['loss']`; empty for all of it.
    added
        The parts of the result that are added up to the loss; empty where they are not.
    """

    function: str
    arguments: tuple[Argument, ...]
    taken: str = ""
    added: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The call as a line of Python, followed by the arguments that are defaults.

        Examples
        --------
        >>> arguments = Argument("recon", "model(x)[0]"), Argument("beta", "0.5", default=True)
        >>> LossCall("elbo", arguments, "['loss']").text
        "elbo(recon=model(x)[0])['loss'], beta=0.5 by default"
        """
        passed = ", ".join(each.text for each in self.arguments if not each.default)
        call = f"{self.function}({passed})" if self.arguments else self.function
        call += self.taken
        if self.added:
            first, *others = self.added
            call = " + ".join([f"(parts := {call}){first}", *(f"parts{each}" for each in others)])
        defaults = ", ".join(each.text for each in self.arguments if each.default)
        return f"{call}, {defaults} by default" if defaults else call
