"""`.local/stack.json`: what is running and where."""

import json
import shutil
from typing import Any

from .settings import REGION, ROOT, Settings
from .telegram import Telegram

Description = dict[str, Any]

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
) -> Description:
    # Whoever looks at a stack with faults looks past them.
    direct = api_url.replace(settings.functions_endpoint, settings.aws_endpoint)
    faulty = {"faulty_api_url": api_url, "faults_control": settings.faults_control}
    return {
        "api_url": direct,
        "telegram_api": telegram.api,
        "telegram_page": telegram.page,
        "aws_endpoint": settings.aws_endpoint,
        "region": REGION,
        "tables": {name: physical[logical_id] for name, logical_id in TABLES.items()},
        "queues": {name: physical[logical_id] for name, logical_id in QUEUES.items()},
        "functions": {name: physical[logical_id] for name, logical_id in functions.items()},
        "mail_url": f"{settings.aws_endpoint}/_ministack/ses/messages",
        **(faulty if settings.faults else {}),
    }


def write(settings: Settings, description: Description) -> None:
    """Writes the file in one move, so that nobody reads half of it."""
    text = json.dumps(description, indent=2) + "\n"
    for path in (settings.state / "stack.json", settings.stack_json):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(path)


def read(settings: Settings) -> Description | None:
    """The description of the stack with this port base, if it is up."""
    try:
        found: Description = json.loads((settings.state / "stack.json").read_text())
    except (OSError, ValueError):
        return None
    return found


def remove(settings: Settings) -> None:
    """Removes the description. If it is the one that everybody reads, a stack that is still up
    takes its place."""
    own = settings.state / "stack.json"
    try:
        everybodys = own.read_bytes() == settings.stack_json.read_bytes()
    except OSError:
        everybodys = False  # One of the two is not there.
    own.unlink(missing_ok=True)
    if everybodys and own != settings.stack_json:
        settings.stack_json.unlink()
        others = sorted(ROOT.glob(".local/*/stack.json"), key=lambda path: path.stat().st_mtime)
        for other in others[-1:]:
            shutil.copy(other, settings.stack_json)
