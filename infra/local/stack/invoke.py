"""Invoking a function, and reading its answer."""

import json
from typing import Any

from .aws import client
from .errors import StackError
from .settings import Settings


def invoke(settings: Settings, function: str, name: str) -> Any:
    """What the function answered; its error is an error here."""
    answer = client(settings, "lambda").invoke(FunctionName=function, Payload=b"{}")
    payload = json.load(answer["Payload"])
    if "FunctionError" in answer:
        reason = payload.get("errorMessage", payload) if isinstance(payload, dict) else payload
        log = settings.state / "emulator.log"
        raise StackError(f"{name} failed: {reason}", f"what it said is in {log}")
    return payload
