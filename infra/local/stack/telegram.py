"""The Bot API server: the project's own simulator, or somebody else's."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass

from .errors import StackError
from .processes import Service
from .settings import HOST, LOCAL_BOT_USERNAME, Settings


@dataclass(frozen=True)
class Telegram:
    api: str
    page: str | None
    """A page for people to look at; only the simulator is known to have one."""
    username: str


SIMULATOR = "telegram-simulator"


def start_simulator(settings: Settings) -> None:
    program = settings.binaries / SIMULATOR
    service = Service(SIMULATOR, settings.state)
    command = [str(program), "--listen", f"{HOST}:{settings.telegram_port}"]
    command += ["--bot-username", LOCAL_BOT_USERNAME]
    # Not on the command line, which everybody on the machine can read.
    service.start(command, {"TELEGRAM_SIMULATOR_BOT_TOKEN": settings.bot_token})
    service.wait_until(lambda: _answers(settings), seconds=20)


def find(settings: Settings) -> Telegram:
    """Asks the server, whichever it is, who the bot is."""
    if settings.telegram_api:
        return Telegram(settings.telegram_api, None, _username(settings, settings.telegram_api))
    username = _username(settings, settings.simulator)
    return Telegram(settings.simulator, f"{settings.simulator}/", username)


def _answers(settings: Settings) -> bool:
    try:
        _username(settings, settings.simulator)
    except StackError:
        return False
    return True


def _username(settings: Settings, api: str) -> str:
    """Who the bot is, by `getMe`. The URL holds the token, so no error may repeat it."""
    try:
        with urllib.request.urlopen(f"{api}/bot{settings.bot_token}/getMe", timeout=25) as answer:
            return str(json.load(answer)["result"]["username"])
    except urllib.error.HTTPError as error:
        problem = f"{error.code} {error.reason}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = type(error).__name__
    raise StackError(
        f"the Bot API server at {api} did not say who the bot is (getMe: {problem})",
        "check TELEGRAM_API (no trailing /bot…) and TELEGRAM_BOT_TOKEN",
    )
