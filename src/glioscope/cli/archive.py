"""`glioscope echo`, `send`, `receive` and `listen`: to and from an image archive."""

from __future__ import annotations

import shlex
import shutil
import signal
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from glioscope.cli.options import AsJson
from glioscope.core.counting import counted, were

__all__ = ["register"]

_SERVER = "dicom://AET@host:port, dicom+tls://AET@host:port, or http(s)://host/dicom-web"
_OPEN, _WHICH, _HOW = "What opens the server", "Which studies", "How it listens"


def _secret(name: str, words: str) -> Any:  # noqa: ANN401
    return typer.Option(f"--{name}", metavar="FROM", help=f"{words}: env:NAME, or a file.", rich_help_panel=_OPEN)


def _pem(name: str, words: str) -> Any:  # noqa: ANN401
    return typer.Option(f"--{name}", metavar="FILE", help=words, rich_help_panel=_OPEN)


Token = Annotated[str | None, _secret("token", "Bearer token for DICOMweb")]
Login = Annotated[str | None, _secret("login", "user:password for DICOMweb")]
Authority = Annotated[Path | None, _pem("ca", "Certificates to trust (PEM); those of the system by default.")]
Certificate = Annotated[Path | None, _pem("certificate", "Our own certificate (PEM).")]
Key = Annotated[Path | None, _pem("key", "Its private key (PEM).")]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Trust any certificate, send secrets unencrypted.", rich_help_panel=_OPEN)
]
Aet = Annotated[str, typer.Option("--aet", metavar="TITLE", help="Our own application entity title.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, max=86400, metavar="S", help="Seconds to wait for each answer.")]
Attempts = Annotated[int, typer.Option("--attempts", min=1, help="How often a server that is down, slow or full is tried.")]
Wait = Annotated[float, typer.Option("--wait", min=0, metavar="S", help="Seconds before the second try; doubled each time.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for command in (echo, send, receive, listen):
        app.command()(command)


def _access(
    token: str | None, login: str | None, ca: Path | None, certificate: Path | None, key: Path | None, insecure: bool
) -> Any:  # noqa: ANN401
    from glioscope.archive import Access, read_login, read_secret

    return Access(read_secret(token), read_login(login), ca, certificate, key, verify=not insecure)


def _concluded(found: Any, as_json: bool, lines: list[str]) -> int:  # noqa: ANN401
    """Print what came of it; the exit code tells whether something is left."""
    from glioscope.cli.display import print_json
    from glioscope.core import GlioscopeError

    if as_json:
        print_json(found.document())
    for line in [] if as_json else lines:
        typer.echo(line)
    try:
        found.check()
    except GlioscopeError as error:
        if not as_json:
            typer.echo(f"Error: {error}", err=True)
        return error.exit_code
    return 0


def _progress(as_json: bool) -> Any:  # noqa: ANN401
    from glioscope.cli.display import LiveProgress
    from glioscope.workflows.progress import Progress

    return Progress() if as_json else LiveProgress()


def echo(
    server: Annotated[str, typer.Argument(metavar="SERVER", help=f"{_SERVER}.", show_default=False)],
    aet: Aet = "GLIOSCOPE",
    timeout: Timeout = 10.0,
    token: Token = None,
    login: Login = None,
    ca: Authority = None,
    certificate: Certificate = None,
    key: Key = None,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """Ask an archive for a sign of life (C-ECHO, or a search by QIDO-RS). Sends nothing of a patient.

    Example: glioscope echo dicom://ORTHANC@localhost:4242
    """
    import glioscope
    from glioscope.cli.display import print_json

    access = _access(token, login, ca, certificate, key, insecure)
    address = glioscope.echo(server, access=access, aet=aet, timeout=timeout)
    print_json({"server": str(address), "answers": True}) if as_json else typer.echo(f"{address} answers.")


def send(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of DICOM files, or one file.", show_default=False)],
    to: Annotated[str, typer.Option("--to", metavar="SERVER", help=f"{_SERVER}.", show_default=False)],
    again: Annotated[bool, typer.Option("--again", help="Send also what this server took before.")] = False,
    queue: Annotated[
        Path | None, typer.Option("--queue", metavar="FILE", help="Where to record what was sent; a file a server by default.")
    ] = None,
    aet: Aet = "GLIOSCOPE",
    timeout: Timeout = 30.0,
    attempts: Attempts = 6,
    wait: Wait = 1.0,
    token: Token = None,
    login: Login = None,
    ca: Authority = None,
    certificate: Certificate = None,
    key: Key = None,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> int:
    """Store DICOM files in an archive by C-STORE or STOW-RS.

    A server that is down, slow or full is tried again with growing waits. What it took is recorded, so the same command goes
    on where it stopped, and does nothing when all is there.

    Example: glioscope send results/sub-7/dicom --to dicom://ORTHANC@localhost:4242
    """
    import glioscope
    from glioscope.archive import Retry

    found = glioscope.send(
        folder,
        to,
        access=_access(token, login, ca, certificate, key, insecure),
        aet=aet,
        timeout=timeout,
        retry=Retry(attempts, wait),
        again=again,
        queue=queue,
        progress=_progress(as_json),
    )
    done = found.delivery
    before = f", {done.before} {were(done.before)} there" if done.before else ""
    passed = f", {counted(found.skipped, 'other file')} passed over" if found.skipped else ""
    return _concluded(found, as_json, [f"{counted(done.sent, 'object')} sent to {found.address}{before}{passed}."])


def receive(
    source: Annotated[str, typer.Option("--from", metavar="SERVER", help=f"{_SERVER}.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder to write to.", show_default=False)],
    study: Annotated[str | None, typer.Option("--study", metavar="UID", help="By its UID.", rich_help_panel=_WHICH)] = None,
    patient: Annotated[
        str | None, typer.Option("--patient", metavar="ID", help="All of this patient.", rich_help_panel=_WHICH)
    ] = None,
    accession: Annotated[
        str | None, typer.Option("--accession", metavar="NUMBER", help="By its order.", rich_help_panel=_WHICH)
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", metavar="DAY", help="YYYYMMDD or YYYYMMDD-YYYYMMDD.", rich_help_panel=_WHICH)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is.")] = False,
    aet: Aet = "GLIOSCOPE",
    timeout: Timeout = 30.0,
    attempts: Attempts = 6,
    wait: Wait = 1.0,
    token: Token = None,
    login: Login = None,
    ca: Authority = None,
    certificate: Certificate = None,
    key: Key = None,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> int:
    """Fetch studies from an archive by C-FIND and C-GET, or by QIDO-RS and WADO-RS.

    Each study gets a folder named by a hash of its UID, ready for `glioscope run`. What is there is not fetched again.

    Example: glioscope receive --from http://localhost:8042/dicom-web --patient ID7 --out exams
    """
    import glioscope
    from glioscope.archive import Query, Retry

    found = glioscope.receive(
        source,
        out,
        Query(study, patient, accession, date),
        access=_access(token, login, ca, certificate, key, insecure),
        aet=aet,
        timeout=timeout,
        retry=Retry(attempts, wait),
        dry_run=dry_run,
        progress=_progress(as_json),
    )
    lines = [
        f"{entry.folder}  {_objects(entry.expected if dry_run else entry.there)} ({entry.new} new)"
        + (f"  {' '.join(entry.modalities)}" if entry.modalities else "")
        for entry in found.studies
    ]
    return _concluded(found, as_json, lines)


def _words(text: str, option: str) -> list[str]:
    """The words of a command line, without which `--then` would have nothing to run."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option} {text!r} cannot be taken apart ({str(error).lower()})") from None
    if option == "--then" and (not words or shutil.which(words[0]) is None):
        raise typer.BadParameter(f"{option} {text!r} does not begin with a program that can be run")
    return words


def _run_options(text: str) -> list[str]:
    """Options of `glioscope run`; a wrong one is told now, not by the first study that comes."""
    from glioscope.cli.main import app

    words = _words(text, "--run")
    typer.main.get_command(app).commands["run"].make_context("glioscope run", ["STUDY", "OUT", *words])  # type: ignore[attr-defined]
    return words


def _objects(number: int | None) -> str:
    return "objects the server has not counted" if number is None else counted(number, "object")


def listen(
    out: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of the listener, for all it keeps.", show_default=False)
    ],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.", rich_help_panel=_HOW)] = 11112,
    aet: Annotated[str, typer.Option("--aet", metavar="TITLE", help="Our title.", rich_help_panel=_HOW)] = "GLIOSCOPE",
    bind: Annotated[
        str,
        typer.Option("--bind", metavar="ADDRESS", help="0.0.0.0 lets other machines send.", rich_help_panel=_HOW),
    ] = "127.0.0.1",
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="TITLE", help="Who may send; may be repeated.", rich_help_panel=_HOW),
    ] = None,
    quiet: Annotated[
        float, typer.Option("--quiet", min=0, metavar="S", help="Complete after so long a silence.", rich_help_panel=_HOW)
    ] = 30.0,
    patience: Annotated[
        float, typer.Option("--patience", min=0, metavar="S", help="Wait so long for what was announced.", rich_help_panel=_HOW)
    ] = 3600.0,
    max_mb: Annotated[int, typer.Option("--max-mb", min=1, help="Largest object taken.", rich_help_panel=_HOW)] = 1024,
    min_free_mb: Annotated[
        int, typer.Option("--min-free-mb", min=0, help="Disk space to leave free.", rich_help_panel=_HOW)
    ] = 1024,
    send_to: Annotated[str | None, typer.Option("--send-to", metavar="SERVER", help=f"Where results go: {_SERVER}.")] = None,
    run_options: Annotated[
        str, typer.Option("--run", metavar="OPTIONS", help="Further options of glioscope run, in one string.")
    ] = "",
    then: Annotated[
        list[str] | None,
        typer.Option("--then", metavar="COMMAND", help="Run this instead; {study} and {out} are folders; may be repeated."),
    ] = None,
    limit: Annotated[float, typer.Option("--limit", min=1, metavar="S", help="Time for one study.")] = 6 * 3600.0,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is left to do.")] = False,
    retry_quarantined: Annotated[bool, typer.Option("--retry-quarantined", help="Try again what failed.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Only list the studies of FOLDER and where each stands.")] = False,
    timeout: Timeout = 30.0,
    token: Token = None,
    login: Login = None,
    ca: Authority = None,
    certificate: Certificate = None,
    key: Key = None,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> int:
    """Wait for studies (C-STORE), run each when it is complete, store the results back.

    Runs until it is stopped; killed at any moment and started again, it goes on, loses nothing and runs nothing twice. What
    fails is in FOLDER/quarantine with its reason.

    Example: glioscope listen inbox --send-to dicom://ORTHANC@localhost:4242
    """
    import glioscope
    from glioscope.cli.display import print_json
    from glioscope.workflows.archive_job import study_commands
    from glioscope.workflows.listen import ListenOptions, inbox_document

    if status:
        entries = inbox_document(out)
        if as_json:
            print_json(entries)
        for entry in [] if as_json else entries:
            typer.echo(
                f"{entry['study']}  {entry['status']:<11}  {counted(entry['images'], 'image')}  {entry['reason']}".rstrip()
            )
        return 0
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    found = glioscope.listen(
        out,
        options=ListenOptions(
            bind,
            port,
            aet,
            tuple(allow or ()),
            quiet,
            patience,
            limit,
            max_mb * 2**20,
            min_free_mb * 2**20,
            until_idle=until_idle,
            retry_quarantined=retry_quarantined,
        ),
        send_to=send_to,
        access=_access(token, login, ca, certificate, key, insecure),
        commands=[_words(text, "--then") for text in then] if then else study_commands(_run_options(run_options)),
        timeout=timeout,
        stop=stop,
        progress=_progress(as_json),
    )
    for number, handler in before.items():
        signal.signal(number, handler)
    if as_json:
        print_json(found.document())
    else:
        done = counted(len(found.done), "study", "studies")
        typer.echo(f"{done} done, {len(found.quarantined)} quarantined, {len(found.waiting)} waiting.")
    return 10 if found.quarantined else 0
