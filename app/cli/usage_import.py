import fcntl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from app import billing
from app.billing import Charge, Reported, Result
from app.cli.connection import command_settings, connected
from app.cli.errors import said_in_words
from app.cli.examples import examples
from app.cli.import_state import ImportState, Reject, RejectFile, StateFile
from app.cli.reseller import scope_of
from app.cli.usage_files import FileFormat, Place, UsageFileError, UsageLine, format_of, read_usage
from app.kernel import now

# So many events are charged, and can be lost sight of, at a time.
CHUNK = 500
SOME_REJECTED = 3
CHARGED, REPEATED = "charged", "charged before"
# As many malformed lines as a dry run shows.
_SHOWN = 10

Take = Callable[[Iterable[Reported]], Iterator[Result]]
Advance = Callable[[ImportState], None]


@click.command(
    "import",
    epilog=examples(
        "kontor usage import calls.csv --reseller nordlicht",
        "kontor usage import calls.ndjson --platform",
        "kontor usage import calls.csv --dry-run",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--reseller", "slug", help="Slug of the reseller whose customers used it.")
@click.option("--platform", "is_of_all", is_flag=True, help="Subjects of all resellers.")
@click.option(
    "--format",
    "asked",
    type=click.Choice([each.value for each in FileFormat]),
    help="What the lines are; else the file's name says it.",
)
@click.option("--dry-run", is_flag=True, help="Look at the shape of every line; charge nothing.")
def import_file(
    *, file: Path, slug: str | None, is_of_all: bool, asked: str | None, dry_run: bool
) -> None:
    """Charge every event of FILE, once; goes on where it stopped.

    CSV has a header with id, meter, quantity, occurred_at, customer_id or subject, and perhaps
    counterparty. Exits with 3 where lines were rejected: FILE.rejects.csv says which and why.
    """
    form = format_of(file, asked)
    if dry_run:
        is_clean = _look_at(file, form)
    elif is_of_all == (slug is not None):
        raise click.UsageError("Say whose usage it is: --reseller SLUG or --platform.")
    else:
        with connected(command_settings()):
            is_clean = _charge(file, form, slug)
    if not is_clean:
        raise click.exceptions.Exit(SOME_REJECTED)


def _charge(path: Path, form: FileFormat, slug: str | None) -> bool:
    """Charge what the file reports; return whether no line was rejected."""
    target = "the platform" if slug is None else f"reseller {slug}"
    scope = None if slug is None else scope_of(slug)

    def take(events: Iterable[Reported]) -> Iterator[Result]:
        if scope is None:
            return billing.take_in_everywhere(events, now=now(), chunk=CHUNK)
        return billing.take_in(scope, events, now=now(), chunk=CHUNK)

    rejects = RejectFile(path, form)
    try:
        with _opened(path) as file, _progress(path) as advance:
            outcomes = import_usage(path, file, form, target=target, take=take, advance=advance)
    except OSError as refused:
        raise UsageFileError(f"{refused.filename}: {refused.strerror}") from refused
    _print(outcomes)
    if rejects.path.exists():
        click.echo(f"{rejects.path} says what was rejected and why.")
    return not set(outcomes) - {CHARGED, REPEATED}


def import_usage(
    path: Path, file: BinaryIO, form: FileFormat, *, target: str, take: Take, advance: Advance
) -> Mapping[str, int]:
    """Charge the events of an open file, chunk by chunk; return how many ended in which way.

    After each chunk the state is kept beside the file, and removed at the end: whoever is killed
    goes on behind the last chunk, and charges none of its events twice. Refuses a state of another
    file or target.
    """
    states, rejects = StateFile(path), RejectFile(path, form)
    state = states.read(file, target=target)
    rejects.cut(state.rejects)
    lines = read_usage(file, form, state.place)
    while chunk := list(islice(lines, CHUNK)):
        results = list(take(line.event for line in chunk))
        size = rejects.append(_rejected(chunk, results), size=state.rejects)
        outcomes = [_outcome(result) for result in results]
        state = state.after(chunk[-1].end, outcomes, rejects=size)
        states.write(state)
        advance(state)
    states.remove()
    return state.outcomes


def _look_at(path: Path, form: FileFormat) -> bool:
    """Tell which lines are no events; return whether all are."""
    well_formed, malformed = 0, 0
    with _opened(path) as file:
        for line in read_usage(file, form, Place()):
            if not isinstance(line.event, Result):
                well_formed += 1
                continue
            malformed += 1
            if malformed <= _SHOWN:
                click.echo(f"Line {line.number}: {_reason(line.event)}")
    click.echo(f"{well_formed:,} lines are well formed, {malformed:,} are not. Nothing is charged.")
    return not malformed


def _rejected(chunk: list[UsageLine], results: list[Result]) -> list[Reject]:
    return [
        Reject(line.number, result.event_id, _outcome(result), _reason(result))
        for line, result in zip(chunk, results, strict=True)
        if not isinstance(result.outcome, Charge)
    ]


def _reason(refused: Result) -> str:
    """Return why an event was refused; of a malformed one, what is wrong with which field."""
    if isinstance(refused.outcome, Charge):
        return ""
    errors = refused.outcome.facts.get("errors")
    if isinstance(errors, list):
        return "; ".join(f"{each['field']}: {each['reason']}" for each in errors)
    return said_in_words(refused.outcome)


def _outcome(result: Result) -> str:
    if not isinstance(result.outcome, Charge):
        return result.outcome.code
    return REPEATED if result.outcome.replayed else CHARGED


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for this process alone: two imports of it would write one file of rejects."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as refused:
            raise UsageFileError(f"Another import of {path.name} is running.") from refused
        yield file


@contextmanager
def _progress(path: Path) -> Iterator[Advance]:
    # On the error stream: the summary alone goes to the output.
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(path.name, total=path.stat().st_size)

        def advance(state: ImportState) -> None:
            done = sum(state.outcomes.values())
            bar.update(task, completed=state.place.offset, description=f"{done:,} events")

        yield advance


def _print(outcomes: Mapping[str, int]) -> None:
    table = Table("Events", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Number", justify="right")
    for name, count in outcomes.items():
        table.add_row(name, f"{count:,}")
    Console().print(table)
