"""`vae-explain train`: a real training loop, its losses, and any one step of it opened."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from .. import names, output, parsing
from ..choices import OPTIMIZERS
from ..declared import file_option, own_option
from ..errors import ExitCode, Problem
from ..files import OutputFile
from ..job import Job
from ..options import WEIGHT_FILES, LearningRate, Options, Parameters, SaveWeights
from ..shared_options import with_options, without
from ..streams import message_stream
from ..style import Style

if TYPE_CHECKING:
    from ...analysis.training_records import Training
    from ...analysis.watch import Watched

MOST_STEPS = 1_000_000
PAGES = (".html", ".txt", ".jsonl")


@partial(with_options, refused=without("train", "run", "eps", "arithmetic"))
def train(
    name: names.ParameterNames = None,
    steps: Annotated[str, own_option("INTEGER", "Number of updates.")] = "200",
    lr: LearningRate = "0.01",
    optimizer: Annotated[
        str, own_option.choice(OPTIMIZERS, "torch.optim.SGD or Adam, with PyTorch's defaults.")
    ] = "sgd",
    explain_step: Annotated[
        str | None,
        own_option(
            "K", "Show step K, counted from 0, in full: forward pass, backward pass, update."
        ),
    ] = None,
    param: Parameters = None,
    plot: Annotated[Path | None, file_option("FILE.svg|png", "Plot the losses to a file.")] = None,
    save: SaveWeights = None,
    watch: Annotated[
        bool,
        own_option.switch(
            "Audit steps during the training; report what went wrong, and when.", "--watch"
        ),
    ] = False,
    watch_every: Annotated[
        str | None, own_option("INTEGER", "Steps between two audits.  [default: 200]")
    ] = None,
    watch_page: Annotated[
        Path | None, file_option("FILE.html|txt|jsonl", "Also write the report to a file.")
    ] = None,
    freeze: Annotated[
        Path | None, file_option("FILE.safetensors", "Save the first non-finite step, for --run.")
    ] = None,
    *,
    options: Options,
) -> ExitCode:
    style = options.style()
    job = Job(options, style, "full")
    count = parsing.whole("--steps", steps, 1, MOST_STEPS, "it")
    rate = parsing.learning_rate(lr)
    kind = parsing.choice("--optimizer", optimizer, OPTIMIZERS)
    explained = None
    if explain_step is not None:
        explained = parsing.whole("--explain-step", explain_step, 0, count - 1, "a step")
    typed = names.typed(name, "--param", param)
    if job.architecture:
        names.parameter_names(typed, job.architecture.parameters)
    if typed and explained is None:
        mend = "only --explain-step shows a parameter's update; give it too"
        raise Problem(*typed[0], mend)
    picture = style.files.name("--plot", plot, (".svg", ".png")) if plot else None
    if picture is not None and find_spec("matplotlib") is None:
        mend = "drawing needs matplotlib; install it with: pip install 'vae-explain[plot]'"
        raise Problem("--plot", picture.shown, mend)
    weights = style.files.name("--save", save, WEIGHT_FILES) if save else None
    every, seen, kept = _watching(watch, watch_every, watch_page, freeze, style)
    request = job.request

    from ...analysis import training
    from ...analysis.training_records import TrainingPlan
    from ...analysis.watch import findings, is_sound
    from ...pages.render.terminal import terminal
    from ...pages.walkthrough import training as page

    plan = TrainingPlan(request, count, rate, kind, explained, every)

    chosen: list[str] = []

    def accept(valid: Sequence[str]) -> None:
        chosen.extend(names.parameter_names(typed, valid))

    with terminal.progress(count, "training", message_stream()) as report:
        training_run = training.train(plan, report, accept)
    written = _keep(training_run, picture, weights, style)
    if training_run.watched is not None:
        written += _keep_watched(training_run.watched, seen, kept, style)
    if style.record:
        job.keep(training_run.state)
        written.append(
            f"The run with the final weights is in {style.record.shown}; query it with --run."
        )
    walkthrough, checks = page.training(training_run, chosen, written)
    sound = training_run.watched is None or is_sound(findings(training_run.watched))
    passed = training_run.diverged_at is None and not checks.failed and sound
    if style.format == "json":
        from ...pages.render.structured import reports

        return output.write(reports.dump_training(training_run, checks), style, passed)
    return output.show(walkthrough, style, passed)


def _watching(
    watch: bool, every: str | None, page: Path | None, freeze: Path | None, style: Style
) -> tuple[int | None, OutputFile | None, OutputFile | None]:
    """Check the options of a training that is watched: how often, and its two files."""
    given = {"--watch-every": every, "--watch-page": page, "--freeze": freeze}
    for option, value in given.items():
        if value is not None and not watch:
            raise Problem(option, value, "it is for a watched training; give --watch too")
    count = parsing.whole("--watch-every", every or "200", 1, MOST_STEPS, "it") if watch else None
    seen = style.files.name("--watch-page", page, PAGES) if page else None
    return count, seen, style.files.name("--freeze", freeze, (".safetensors",)) if freeze else None


def _keep_watched(
    watched: Watched, page: OutputFile | None, freeze: OutputFile | None, style: Style
) -> list[str]:
    """Put what was seen into its files, and say so in words."""
    from ...api.watching import WatchPage, kept_words

    written = []
    if page is not None:
        made = WatchPage(watched)
        forms = {".txt": made.text, ".html": made.to_html, ".jsonl": made.to_jsonl}
        style.files.put(page, forms.get(page.suffix, made.text)())
        written.append(f"The report is in {page.shown}.")
    if freeze is not None and watched.frozen is not None:
        from ...models.recorded.recorded_run import Recording, to_bytes

        style.files.put(freeze, to_bytes(Recording({"full": watched.frozen})))
        written.append(f"{kept_words(freeze.shown)}.")
    elif freeze is not None:
        written.append(f"Every step is finite, so {freeze.shown} was not written.")
    return written


def _keep(
    training_run: Training, picture: OutputFile | None, weights: OutputFile | None, style: Style
) -> list[str]:
    """Make the files that were asked for and say so in words."""
    written = []
    if picture is not None:
        from ...pages.render import plot
        from ...pages.walkthrough.training import series_of

        plan = training_run.plan
        title = f"{training_run.label}, {plan.optimizer}, lr {plan.lr!r}"
        drawing = plot.curve(series_of(training_run), title, picture.shown.name)
        style.files.put(picture, drawing)
        written.append(f"The losses are plotted in {picture.shown}.")
    if weights is not None:
        output.put_weights(weights, training_run.state, style)
        written.append(f"The final weights are in {weights.shown}.")
    return written
