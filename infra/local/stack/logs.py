"""Following what the functions write."""

import time
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from .aws import client
from .deploy import physical_ids
from .settings import Settings


def follow(settings: Settings) -> Iterator[str]:
    """Every line that the functions write from a minute ago on, until the stack is gone."""
    group = physical_ids(settings)["FunctionLogs"]
    logs = client(settings, "logs")
    seen: set[str] = set()
    since = int((time.time() - 60) * 1000)
    while True:
        try:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=since
            )
            events = [event for page in pages for event in page["events"]]
        except (BotoCoreError, ClientError):
            return
        for event in sorted(events, key=lambda e: e["timestamp"]):
            if event["eventId"] not in seen:
                seen.add(event["eventId"])
                yield event["message"].rstrip()
        if events:
            since = max(event["timestamp"] for event in events)
            seen = {e["eventId"] for e in events if e["timestamp"] == since}
        time.sleep(0.5)
