"""Bringing the stack up and taking it down."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import (
    deploy,
    describe,
    emulator,
    faults,
    gaps,
    issuer,
    package,
    ports,
    processes,
    telegram,
    template,
)
from .describe import Description
from .errors import StackError
from .invoke import invoke
from .processes import Service
from .settings import Settings
from .steps import step


def up(settings: Settings) -> Description:
    """Brings the stack up, or a running one up to date; a start that fails leaves nothing behind.

    Answers with what it wrote into `stack.json`.
    """
    with _alone(settings):
        source = template.load()
        functions = template.functions(source)
        simulator = [] if settings.telegram_api else [telegram.SIMULATOR]
        proxy = [faults.PROGRAM] if settings.faults else []
        package.require(settings, [*functions, *simulator, *proxy])
        if _is_running(settings):
            return _deploy(settings, source, functions)
        try:
            _down(settings)
            _start(settings)
            return _deploy(settings, source, functions)
        except BaseException:
            _down(settings)
            raise


def down(settings: Settings) -> int:
    """Takes the stack down, also a half started one; says how many programs were running."""
    if not settings.state.exists():
        return 0
    with _alone(settings):
        return _down(settings)


def services(settings: Settings) -> list[Service]:
    """The programs that a stack consists of."""
    names = ["issuer", "emulator"]
    if not settings.telegram_api:
        names.append(telegram.SIMULATOR)
    if settings.faults:
        names.append(faults.PROGRAM)
    return [Service(name, settings.state) for name in names]


def _is_running(settings: Settings) -> bool:
    alive = all(service.pid() is not None for service in services(settings))
    return alive and emulator.is_healthy(settings)


def _start(settings: Settings) -> None:
    for what, port in settings.ports.items():
        ports.require_free(port, what)
    with step("issuer of tokens started"):
        issuer.start(settings)
    with step("AWS emulator started"):
        emulator.start(settings)
    if not settings.telegram_api:
        with step("Telegram simulator started"):
            telegram.start_simulator(settings)
    if settings.faults:
        with step("fault proxy started"):
            faults.start_proxy(settings)


def _deploy(settings: Settings, source: dict[str, Any], functions: dict[str, str]) -> Description:
    chat = telegram.find(settings)
    with step(f"{len(functions)} functions packed ({settings.profile})"):
        package.upload(settings, source, functions)
    with step("template.yaml deployed"):
        deploy.deploy(settings, source, _parameters(settings, chat))
        physical = deploy.physical_ids(settings)
        gaps.close(settings, physical)
        if settings.faults:
            faults.shorten_visibility(settings, physical)
        package.forget_old_binaries(settings, functions)
    with step(f"webhook of @{chat.username} registered"):
        invoke(settings, physical["RegisterWebhook"], "register-webhook")
    api_url = deploy.output(settings, "ApiUrl")
    description = describe.describe(settings, chat, api_url, functions, physical)
    describe.write(settings, description)
    return description


def _parameters(settings: Settings, chat: telegram.Telegram) -> dict[str, str]:
    return {
        "BotUsername": chat.username,
        "BotToken": settings.bot_token,
        "TelegramApi": settings.faulty_simulator if settings.faults else chat.api,
        "JwtIssuer": settings.issuer,
        "LogLevel": settings.log_level,
        "DeletionProtection": "false",
        "PoolLowWater": "1",
        "EmulatorEndpoint": settings.functions_endpoint,
    }


def _down(settings: Settings) -> int:
    stopped = processes.stop_all(settings.state)
    describe.remove(settings)
    # The logs stay: they are what one looks for after a failure.
    for folder in ("emulator", "functions", "issuer"):
        shutil.rmtree(settings.state / folder, ignore_errors=True)
    return stopped


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Two commands for one stack at the same time would undo each other."""
    settings.state.mkdir(parents=True, exist_ok=True)
    with (settings.state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StackError(
                f"another command is starting or stopping the stack at port {settings.port_base}",
                "wait for it to end, or choose other ports with PORT_BASE",
            ) from None
        yield
