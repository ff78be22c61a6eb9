"""`.local/stack.json`: what is running and where."""

import json
from typing import Any

from .settings import REGION, Settings
from .telegram import Telegram

TABLES = {
    "services": "Services",
    "subscriptions": "Subscriptions",
    "alerts": "Alerts",
    "audit": "Audit",
    "limits": "Limits",
}
QUEUES = {
    "alerts": "AlertsQueue",
    "alerts_dead": "AlertsDeadQueue",
    "housekeeping": "HousekeepingQueue",
    "housekeeping_dead": "HousekeepingDeadQueue",
    "relay_dead": "RelayDeadQueue",
}


def describe(
    settings: Settings,
    telegram: Telegram,
    api_url: str,
    functions: dict[str, str],
    physical: dict[str, str],
) -> dict[str, Any]:
    return {
        "api_url": api_url,
        "telegram_api": telegram.api,
        "telegram_page": telegram.page,
        "aws_endpoint": settings.aws_endpoint,
        "region": REGION,
        "tables": {name: physical[logical_id] for name, logical_id in TABLES.items()},
        "queues": {name: physical[logical_id] for name, logical_id in QUEUES.items()},
        "functions": {name: physical[logical_id] for name, logical_id in functions.items()},
        "mail_url": f"{settings.aws_endpoint}/_ministack/ses/messages",
    }


def write(settings: Settings, description: dict[str, Any]) -> None:
    """Writes the file in one move, so that nobody reads half of it."""
    text = json.dumps(description, indent=2) + "\n"
    for path in (settings.state / "stack.json", settings.stack_json):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(path)


def read(settings: Settings) -> dict[str, Any] | None:
    """The description of the stack with this port base, if it is up."""
    try:
        found: dict[str, Any] = json.loads((settings.state / "stack.json").read_text())
    except (OSError, ValueError):
        return None
    return found


def remove(settings: Settings) -> None:
    """Removes the description, but not that of another stack which was started later."""
    own = settings.state / "stack.json"
    try:
        if own.read_bytes() == settings.stack_json.read_bytes():
            settings.stack_json.unlink()
    except OSError:
        pass  # One of the two is not there.
    own.unlink(missing_ok=True)
