"""Ports: are they free, and if not, who holds them?"""

import socket
from contextlib import suppress
from pathlib import Path

from .errors import StackError
from .settings import HOST


def is_open(port: int) -> bool:
    """Whether somebody answers on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def is_free(port: int) -> bool:
    """Whether a program of ours could listen on the port."""
    with socket.socket() as probe:
        # As servers do, so that a port whose last connections are still fading counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def require_free(port: int, what: str) -> None:
    """Refuses to go on when `what` cannot have its port."""
    if not is_free(port):
        raise StackError(
            f"port {port}, needed for {what}, is taken by {holder(port)}",
            "stop that program, or choose other ports, for example: PORT_BASE=5560 make up",
        )


def holder(port: int) -> str:
    """The program that listens on the port, as well as this system lets us know."""
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*"):
        if inodes & _open_files(process):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            return f"process {process.name} ({command[:80]})"
    return "another program"


def _open_files(process: Path) -> set[str]:
    found = set()
    # What is gone meanwhile, or somebody else's, cannot be seen.
    with suppress(OSError):
        for link in (process / "fd").iterdir():
            with suppress(OSError):
                found.add(link.readlink().name)
    return found


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            listening = fields[3] == "0A"
            if listening and int(fields[1].rsplit(":", 1)[1], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found
