"""For the tests of your own model: a sound VAE passes, and any other fails with the reason.

Use `from vae_explain.testing import assert_sound` in any test; in pytest, the fixture
`assert_sound_vae` is the same function.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis.audit.report import Report
    from .models.request import Input, Loss, Model, Objective


def assert_sound(
    model: Model,
    x: Input,
    loss: Loss | None = None,
    *,
    objective: Objective | None = None,
    loss_arguments: Mapping[str, Any] | None = None,
    seed: int = 0,
    strict: bool = True,
    ignore: Collection[str] = (),
    baseline: str | Path | None = None,
) -> Report:
    """Audit a model and its loss on a batch, and fail if something is wrong.

    Parameters
    ----------
    model
        Any `torch.nn.Module`, which is not changed.
    x
        A batch of several rows, in the shape that the model takes. Of a batch from a
        `DataLoader`, such as `(x, y)`, the first tensor is used.
    loss, objective, loss_arguments
        As for `vae_explain.explain`.
    seed
        Seed for the run; the generator's state is restored afterwards.
    strict
        Whether to fail also on warnings, and on a run without sampling or KL.
    ignore
        Ids of the findings to leave out.
    baseline
        A JSON file of an earlier audit, whose findings do not fail.

    Returns
    -------
    Report
        What was found, what is in order, and which rules were not applied.

    Raises
    ------
    AssertionError
        If something is wrong; it lists the findings, and what to change.
    KeyError
        If `ignore` has an unknown id.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from vae_explain.testing import assert_sound
    >>> def loss(model, x):
    ...     mu, logvar = model(x).chunk(2, dim=1)
    ...     z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
    ...     kl = 0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum()
    ...     return (z - x).pow(2).sum() + kl
    >>> try:
    ...     assert_sound(nn.Linear(2, 4), torch.rand(4, 2), objective=loss)
    ... except AssertionError as failure:
    ...     print(str(failure).splitlines()[1][:37])
    error, kl-sign: kl falls when μ moves
    """
    from . import pipeline
    from .analysis.audit.baseline import fingerprints
    from .analysis.audit.report import audit
    from .analysis.audit.rules.all_rules import ALL
    from .models.input_tensors import of_batch
    from .models.request import Request, UserModel

    unknown = set(ignore) - {rule.id for rule in ALL}
    if unknown:
        raise KeyError(f"no finding is called {', '.join(sorted(unknown))}")
    known = frozenset[str]()
    if baseline is not None:
        known = fingerprints(Path(baseline).read_text("utf-8"))
    source = UserModel(model, loss, objective, loss_arguments or {})
    request = Request(of_batch(x), seed, source=source, arithmetic="full")
    report = audit(pipeline.recordings(request), ALL, (), ignore, known, strict)
    if not report.passed:
        raise AssertionError(_words(report))
    return report


def _words(report: Report) -> str:
    lines = [f"{report.run.label} is not sound:"]
    for finding in report.failures:
        lines.append(f"{finding.severity}, {finding.id}: {finding.title}")
        lines += [f"  {finding.mend}"] if finding.mend else []
    if report.strict:
        lines += [f"not complete: {missing}" for missing in report.missing]
    return "\n".join(lines)
