"""Commands that make systems: recipes, plan, train, search, bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glioscope.cli.options import AsJson, Jobs
from glioscope.cli.training_options import (
    TrainingCache,
    TrainingChanges,
    TrainingCheckpoint,
    TrainingCohort,
    TrainingDevice,
    TrainingDevices,
    TrainingFold,
    TrainingLogger,
    TrainingMemory,
    TrainingNodes,
    TrainingPrecision,
    TrainingRecipe,
    TrainingScheme,
    TrainingWorkers,
)
from glioscope.core.counting import counted

if TYPE_CHECKING:
    from glioscope.training.machine import Machine

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for command in (recipes, plan, train, search, bundle):
        app.command()(command)


def recipes(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Show this one in full.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """The systems that can be trained, or one of them in full as YAML, to be copied and changed.

    Example: glioscope recipes nnunet > mine.yaml
    """
    import yaml
    from rich.console import Console
    from rich.markup import escape

    from glioscope.cli.display import print_json
    from glioscope.workflows.recipes import recipes as work

    found = work(name)
    if as_json:
        print_json(found if name is None else found[0])
        return
    if name is not None:
        typer.echo(yaml.safe_dump(found[0], sort_keys=False, allow_unicode=True, width=128), nl=False)
        return
    console = Console(highlight=False, soft_wrap=True)
    width = max((len(recipe["name"]) for recipe in found), default=0)
    for recipe in found:
        console.print(f"[bold]{escape(recipe['name']):<{width}}[/]  {escape(recipe['title'])}")
        console.print(f"{'':<{width}}  [dim]{escape(recipe['source'])}[/]")


def plan(
    recipe: TrainingRecipe,
    data: TrainingCohort,
    changes: TrainingChanges = None,
    scheme: TrainingScheme = "auto",
    memory: TrainingMemory = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Patch, batch, depth and spacing that a recipe would have for a cohort, and why; nothing is written.

    Example: glioscope plan nnunet --data cohort --memory 24
    """
    from rich.console import Console
    from rich.markup import escape

    from glioscope.cli.display import print_json
    from glioscope.cli.training_display import teller
    from glioscope.workflows.plan import plan as work

    found = work(
        recipe, data, memory_gib=memory, overrides=changes or (), labels=scheme, jobs=jobs, told=teller(silent=as_json)
    )
    if as_json:
        print_json(found.document())
        return
    console = Console(highlight=False, soft_wrap=True)
    box = " x ".join(map(str, found.cohort["box"]))
    console.print(f"[bold]{escape(found.recipe)}[/] for {counted(found.exams, 'exam')}, median brain {box} voxels")
    console.print(f"  patch    {' x '.join(map(str, found.plan.patch))}")
    console.print(f"  batch    {found.plan.batch}")
    console.print(f"  spacing  {' x '.join(f'{mm:g}' for mm in found.plan.spacing)} mm")
    console.print(f"  memory   {found.plan.memory_gib:.1f} GiB")
    for key, value in found.plan.network.items():
        console.print(f"  {key:<22} {escape(str(value))}")
    for reason in found.plan.reasons:
        console.print(f"  [cyan]·[/] {escape(reason)}")


def train(
    recipe: TrainingRecipe,
    data: TrainingCohort,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="Folder of the run.", show_default=False)],
    changes: TrainingChanges = None,
    fold: TrainingFold = "all",
    scheme: TrainingScheme = "auto",
    cache: TrainingCache = None,
    memory: TrainingMemory = None,
    jobs: Jobs = None,
    device: TrainingDevice = "auto",
    devices: TrainingDevices = 1,
    nodes: TrainingNodes = 1,
    precision: TrainingPrecision = None,
    workers: TrainingWorkers = None,
    logger: TrainingLogger = "none",
    checkpoint_every: TrainingCheckpoint = None,
    as_json: AsJson = False,
) -> None:
    """Train a recipe on labelled exams; RUN/bundle then segments. Run it again to go on with a run that was ended.

    Example: glioscope train nnunet --data cohort --out run --fold 0 training.epochs=300

    Several computers: torchrun --nnodes 2 --nproc-per-node 4 -m glioscope train … --devices 4 --nodes 2
    """
    from glioscope.cli.display import print_json
    from glioscope.cli.training_display import LiveTraining, show_run
    from glioscope.training.progress import TrainingProgress
    from glioscope.workflows.train import train as work

    machine = _machine(device, devices, nodes, workers, logger, checkpoint_every)
    run = work(
        recipe,
        data,
        out,
        fold=fold,
        overrides=_overrides(changes, precision),
        labels=scheme,
        cache=cache,
        machine=machine,
        memory_gib=memory,
        jobs=jobs,
        progress=TrainingProgress() if as_json else LiveTraining(),
    )
    if run.bundle is None:  # another of several processes tells
        return
    if as_json:
        print_json(run.document())
    else:
        show_run(run)


def search(
    recipe: TrainingRecipe,
    space: Annotated[
        list[str],
        typer.Argument(
            metavar="key=low..high|a,b,c...",
            help="What to try: optimiser.lr=1e-4..1e-2 or training.batch=2,4; key=value is set for all.",
            show_default=False,
        ),
    ],
    data: TrainingCohort,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="STUDY", help="Folder of the study.", show_default=False)],
    trials: Annotated[int, typer.Option("--trials", min=1, help="Altogether, with those of an earlier call.")] = 20,
    fold: TrainingFold = "0",
    scheme: TrainingScheme = "auto",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the search.")] = 0,
    memory: TrainingMemory = None,
    jobs: Jobs = None,
    device: TrainingDevice = "auto",
    devices: TrainingDevices = 1,
    precision: TrainingPrecision = None,
    workers: TrainingWorkers = None,
    as_json: AsJson = False,
) -> None:
    """Try values of any recipe keys by Optuna; poor trials are cut off. STUDY/best.yaml is a recipe to train.

    Needs `pip install 'glioscope\\[tune]'`. Run it again to go on with a search that was ended.

    Example: glioscope search nnunet optimiser.lr=1e-3..1e-1 training.epochs=50 --data cohort --out study --trials 30
    """
    from rich.console import Console
    from rich.markup import escape

    from glioscope.cli.display import print_json
    from glioscope.cli.training_display import LiveTraining
    from glioscope.training.progress import TrainingProgress
    from glioscope.training.search_space import is_choice
    from glioscope.workflows.search import search as work

    found = work(
        recipe,
        data,
        out,
        [text for text in space if is_choice(text)],
        trials=trials,
        fold=fold,
        overrides=_overrides([text for text in space if not is_choice(text)], precision),
        labels=scheme,
        seed=seed,
        machine=_machine(device, devices, 1, workers, "none", None),
        memory_gib=memory,
        jobs=jobs,
        progress=TrainingProgress() if as_json else LiveTraining(),
    )
    if as_json:
        print_json(found.document())
        return
    console = Console(highlight=False, soft_wrap=True)
    if found.best is None:
        console.print("[yellow]![/] No trial was finished.")
        return
    values = ", ".join(f"{key}={value}" for key, value in found.best["values"].items())
    console.print(f"[bold]{found.best['score']:.4f}[/] with {escape(values)}")
    console.print(f"  {escape(str(found.folder / 'best.yaml'))}")


def bundle(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders that `train` made.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder of the bundle.", show_default=False)],
    ensemble: Annotated[
        str | None,
        typer.Option("--ensemble", metavar="METHOD", help="How several runs become one: mean, weighted or staple."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What it is called; the recipe's name by default.")] = None,
    licence: Annotated[str, typer.Option("--licence", metavar="SPDX", help="Licence of the weights.")] = "NOASSERTION",
    tune: Annotated[
        str | None,
        typer.Option(
            "--tune", metavar="LIST", help="Fit thresholds, dust, small-et, or none; the recipe says which, by default."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """One folder that segments: the finished folds of a run, or an ensemble of several runs.

    Example: glioscope bundle run -o bundle    Then: glioscope run EXAM OUT --segmenter ./bundle

    Example: glioscope bundle run-a run-b run-c --ensemble weighted -o ensemble
    """
    from rich.console import Console
    from rich.markup import escape

    from glioscope.cli.display import print_json
    from glioscope.cli.training_display import teller
    from glioscope.workflows.bundle_run import bundle as work

    wanted = None if tune is None else [what.strip() for what in tune.split(",") if what.strip() not in ("", "none")]
    made = work(runs, out, ensemble=ensemble, name=name, licence=licence, tune=wanted, told=teller(silent=as_json))
    if as_json:
        print_json(made.document())
        return
    told = made.document()
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{escape(told['name'])}[/]  {told['kind']} of {told['members']}  {escape(told['bundle'])}")


def _overrides(changes: list[str] | None, precision: str | None) -> list[str]:
    return [*(changes or ()), *(() if precision is None else (f"training.precision={precision}",))]


def _machine(device: str, devices: int, nodes: int, workers: int | None, logger: str, checkpoint_every: int | None) -> Machine:
    from glioscope.training.machine import Machine

    chosen: Any = device
    return Machine(chosen, devices, nodes, workers, logger, checkpoint_every)
