"""Processes and folders of one test run: everything here is gone when the run ends, however it ends.

All folders lie below one root, which the last process of the run removes. A child is killed by the
kernel when the process that started it dies, so a run that was killed leaves nothing running.
"""

import atexit
import ctypes
import fcntl
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from harness.waiting import until

REPOSITORY = Path(__file__).resolve().parents[2]

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_prefix = "freshet-tests-"


def _create_root() -> Path:
    """The folder of this run; processes of a parallel run meet in the same one."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")[:12] or f"{os.getpid()}"
    folder = Path(tempfile.gettempdir()) / f"{_prefix}{run}"
    folder.mkdir(mode=0o755, exist_ok=True)
    return folder


def _hold(folder: Path):
    """Marks the folder as in use for as long as this process lives."""
    lock = open(folder / "in-use", "a", encoding="ascii")
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def _remove_if_unused(folder: Path) -> None:
    try:
        with open(folder / "in-use", "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        pass  # in use, or somebody else's


for _old in Path(tempfile.gettempdir()).glob(f"{_prefix}*"):
    if (_old / "in-use").exists():
        _remove_if_unused(_old)

ROOT = _create_root()
_in_use = _hold(ROOT)


@atexit.register
def _leave() -> None:
    for child in list(_children):
        end(child)
    if os.environ.get("FRESHET_KEEP"):
        return  # for looking at logs after a failure
    _in_use.close()
    _remove_if_unused(ROOT)


def folder(name: str) -> Path:
    """A new folder of this run; short, because PostgreSQL's sockets lie in it."""
    return Path(tempfile.mkdtemp(prefix=f"{name[:24]}-", dir=ROOT))


def exclusive(name: str):
    """Held by one process of the run at a time: `with exclusive("template"): …`"""
    return _Exclusive(ROOT / f"{name}.lock")


class _Exclusive:
    def __init__(self, path: Path):
        self._path = path

    def __enter__(self):
        self._file = open(self._path, "a", encoding="ascii")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self._file.close()


def free_port() -> int:
    """A port nobody listens on and nobody of this run was given, below the range that outgoing
    connections use: a server can be started again on it."""
    for _ in range(1000):
        port = random.SystemRandom().randrange(15000, 32000)
        try:
            os.close(os.open(ROOT / f"port-{port}", os.O_CREAT | os.O_EXCL))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
            return port
        except OSError:
            continue
    raise AssertionError("no free port between 15000 and 32000")


_children: set[subprocess.Popen] = set()


def start(arguments: list[str], *, stdout, stderr, death=signal.SIGKILL, environment=None,
          as_postgres=False, own_group=False, stdin=subprocess.DEVNULL) -> subprocess.Popen:
    """Starts a child that cannot outlive us. PostgreSQL refuses to run as root: `as_postgres`."""

    def die_with_parent():
        _libc.prctl(_PR_SET_PDEATHSIG, int(death), 0, 0, 0)

    child = subprocess.Popen([str(a) for a in arguments], stdout=stdout, stderr=stderr, stdin=stdin,
                             env={**os.environ, **(environment or {})}, cwd="/",
                             preexec_fn=die_with_parent, start_new_session=own_group,
                             **(postgres_user() if as_postgres else {}))
    _children.add(child)
    return child


def end(child: subprocess.Popen, with_signal=signal.SIGKILL, seconds: float = 30) -> int:
    """Signals a child (no harm when it is gone) and waits for its end."""
    if child.poll() is None:
        child.send_signal(with_signal)
    try:
        code = child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        _children.discard(child)
        raise AssertionError(f"{child.args[0]} ignored {with_signal!r} for {seconds:g} s") from None
    _children.discard(child)
    return code


def postgres_user() -> dict:
    """Arguments of subprocess that run a command as user postgres when we are root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def give_to_postgres(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, "postgres", "postgres")


def remove(path: Path) -> None:
    until(f"{path} is removed", lambda: shutil.rmtree(path, ignore_errors=True) or not path.exists())
