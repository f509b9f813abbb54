"""The program ``wavegen``: its commands, and how their errors become exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from wavegen.cli.ablate import ablate
from wavegen.cli.analyze import analyze
from wavegen.cli.bench import PASSED_ON, bench
from wavegen.cli.calibrate import calibrate
from wavegen.cli.data import data
from wavegen.cli.demo import demo
from wavegen.cli.evaluate import evaluate
from wavegen.cli.learn_basis import learn_basis
from wavegen.cli.list import list_components
from wavegen.cli.plan import plan
from wavegen.cli.report import report
from wavegen.cli.restore import restore
from wavegen.cli.signals import heeded
from wavegen.cli.train import train
from wavegen.cli.weights import weights
from wavegen.core import interrupt
from wavegen.core.errors import InputError
from wavegen.core.launch import launched
from wavegen.core.memory import keep_freed_memory
from wavegen.core.terminal import print_anything
from wavegen.core.threads import let_idle_threads_sleep
from wavegen.version import __version__

# Typer carries its own copy of click in some versions and imports it in others: take the base classes from it.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
ClickException: type[Exception] = typer.BadParameter.__mro__[2]
INTERRUPTED = 130

app = typer.Typer(
    name="wavegen",
    help="Restore images with diffusion bridges and detail heads in wavelet subbands.",
    epilog="Exit codes: 0 done; 2 wrong input or configuration, or a missing package; 3 done except for some files"
    " or runs, which are named; 130 interrupted; 143 terminated; 129 hung up.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"wavegen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    count = launched()
    if count > 1 and context.invoked_subcommand != "train":
        raise InputError(
            f"{count} processes would all do the same; start wavegen {context.invoked_subcommand} without a launcher "
            "(only train shares its work)"
        )


app.command()(demo)
app.command()(train)
app.command()(restore)
app.command()(evaluate)
app.command()(calibrate)
app.command()(plan)
app.command()(analyze)
app.command()(report)
app.command()(ablate)
app.command("learn-basis")(learn_basis)
app.command("list")(list_components)
app.command()(weights)
app.add_typer(data)
app.command(context_settings=PASSED_ON)(bench)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command, by default that of ``sys.argv``, and exit.

    Exit codes are those of the help text; with 2 the reason is one line on standard error. A bug keeps its traceback.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    keep_freed_memory()
    let_idle_threads_sleep()
    print_anything()
    try:
        with heeded():
            code = app(given or ["--help"], prog_name="wavegen", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        code = _code(error)
    if code == INTERRUPTED:
        print("wavegen: interrupted", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)


def _code(error: Exception) -> int:
    """The exit code for an error, after its line is printed. A bug is raised."""
    if interrupt.received():  # compiled code may have made the error of it
        return 128 + interrupt.received()
    if isinstance(error, InputError):
        return _refuse(str(error))
    if isinstance(error, UsageError):
        return _refuse(f"{_message(error)} (see wavegen {_command(error)}--help)")
    if isinstance(error, ClickException):
        return _refuse(_message(error))
    raise error


def _refuse(message: str) -> int:
    """Print the error as one line, whatever line breaks it holds, and return the exit code."""
    print("wavegen: error:", " ".join(message.split()), file=sys.stderr)
    return 2


def _message(error: Exception) -> str:
    return str(getattr(error, "format_message", error.__str__)())


def _command(error: Exception) -> str:
    """The command that was used wrongly, followed by a space, or nothing."""
    name = getattr(getattr(error, "ctx", None), "info_name", None)
    return f"{name} " if name and name != "wavegen" else ""
