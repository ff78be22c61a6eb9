"""Background processes: started in a group of their own, found again by a file, ended for certain.

A process file holds the process id and the moment when that process began, because ids are used
again. Whatever a process starts inherits a mark in its environment; that is how `stop_all` finds
children that outlived their group.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .errors import StackError

MARK = "USHER_STACK"


@dataclass(frozen=True)
class Service:
    """A program that runs for as long as the stack does."""

    name: str
    state: Path

    @property
    def log(self) -> Path:
        return self.state / f"{self.name}.log"

    @property
    def file(self) -> Path:
        return self.state / f"{self.name}.pid"

    def start(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Starts the program with nothing in its environment but PATH, HOME and `env`."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self.log.open("w") as log:
            process = subprocess.Popen(
                command,
                env={**kept, **(env or {}), MARK: str(self.state)},
                cwd=self.state,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.file.write_text(f"{process.pid} {_began(process.pid)}\n")

    def pid(self) -> int | None:
        """The id of the running process, or None."""
        try:
            pid, began = self.file.read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if _began(int(pid)) == began else None

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Waits until `ready` says so; a program that ends or takes too long is an error."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.pid() is None:
                raise StackError(
                    f"the {self.name} ended right after its start:\n{self.tail()}",
                    f"the whole log is {self.log}",
                )
            if time.monotonic() > deadline:
                raise StackError(
                    f"the {self.name} did not answer within {seconds:.0f} seconds:\n{self.tail()}",
                    f"the whole log is {self.log}; on a busy machine, try again",
                )
            time.sleep(0.05)

    def tail(self, lines: int = 12) -> str:
        try:
            text = self.log.read_text(errors="replace").splitlines()[-lines:]
        except OSError:
            text = []
        return "\n".join(f"    {line}" for line in text) or "    (its log is empty)"


def stop_all(state: Path) -> int:
    """Ends every process of the stack in `state`; says how many services were running."""
    services = [Service(file.stem, state) for file in state.glob("*.pid")]
    groups = [pid for service in services if (pid := service.pid()) is not None]
    for signal_ in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            _send(os.killpg, group, signal_)
        for stray in _marked(state):
            _send(os.kill, stray, signal_)
        if _gone(state, seconds=5):
            break
    for service in services:
        service.file.unlink(missing_ok=True)
    return len(groups)


def _gone(state: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _marked(state):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _marked(state: Path) -> list[int]:
    """The processes that carry this stack's mark, whoever started them."""
    mark = f"{MARK}={state}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue  # Gone meanwhile, or somebody else's.
    return found


def _began(pid: int) -> str | None:
    """When the process began, in clock ticks since the machine did; None if it is no more."""
    try:
        # The name, in brackets, may hold anything; the fields after it are plain.
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else fields[18]


def _send(kill: Callable[[int, int], None], target: int, signal_: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # It may have gone by itself.
        kill(target, signal_)
