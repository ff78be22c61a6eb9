"""A stack that lives as long as a command, or until Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from . import ports
from .describe import Description
from .errors import StackError
from .settings import ROOT, Settings, at_port
from .up import down, services, up


def run(settings: Settings, command: Sequence[str]) -> int:
    """Brings a stack up, runs the command against it, takes it down; the command's exit code.

    The command finds the stack by `STACK_JSON`, and `make token` and its like by `PORT_BASE`.
    """
    try:
        up(settings)
        return _call(settings, command)
    finally:
        _down_undisturbed(settings)


def play(settings: Settings, command: Sequence[str], show: Callable[[Description], None]) -> int:
    """Like `run`, but afterwards the stack stays up and `show` says where, until Ctrl-C."""
    status = 1
    try:
        description = up(settings)
        status = _call(settings, command)
        show(description)
        if status:
            print(f"\nThe play failed ({status}); the stack stays up to be looked at.")
        print("\nThe stack is up. Ctrl-C stops it.", flush=True)
        _wait(settings)
    except KeyboardInterrupt:
        return status
    finally:
        _down_undisturbed(settings)


def find_free_ports(settings: Settings) -> Settings:
    """The same stack on the first ports, from its port base on, that nobody uses."""
    for base in range(settings.port_base, settings.port_base + 500, 10):
        moved = at_port(settings, base)
        if all(ports.is_free(port) for port in moved.ports.values()):
            return moved
    raise StackError(
        f"no free ports for a stack from {settings.port_base} on",
        "stop the stacks that you do not need any more (make down), or set PORT_BASE",
    )


def _call(settings: Settings, command: Sequence[str]) -> int:
    env = {
        **os.environ,
        "STACK_JSON": str(settings.stack_json),
        "PORT_BASE": str(settings.port_base),
    }
    try:
        return subprocess.call(command, cwd=ROOT, env=env)
    except OSError as error:
        raise StackError(f"{command[0]} did not start: {error}", "is it installed?") from None


def _wait(settings: Settings) -> NoReturn:
    """Waits for Ctrl-C, and says so when a part of the stack ends by itself."""
    while True:
        for service in services(settings):
            if service.pid() is None:
                raise StackError(
                    f"the {service.name} has ended:\n{service.tail()}",
                    f"the whole log is {service.log}",
                )
        time.sleep(1)


def _down_undisturbed(settings: Settings) -> None:
    """Takes the stack down; an impatient second Ctrl-C must not leave half of it running."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    down(settings)
    print("  the stack is down", file=sys.stderr)
