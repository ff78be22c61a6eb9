"""Following what the functions write."""

import time
from collections import Counter
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from .aws import client
from .deploy import physical_ids
from .settings import Settings

# The emulator's lines around each invocation. On AWS the template turns them off.
PLATFORM = ("START RequestId:", "END RequestId:", "REPORT RequestId:")


def follow(settings: Settings) -> Iterator[str]:
    """Every line that the functions write from a minute ago on, until the stack is gone."""
    group = physical_ids(settings)["FunctionLogs"]
    pages = client(settings, "logs").get_paginator("filter_log_events")
    since = int((time.time() - 60) * 1000)
    # The emulator gives events no id, so a line is known by where and when it was written and by
    # its text; a text that was written twice is counted.
    shown: Counter[tuple[str, int, str]] = Counter()
    while True:
        try:
            found = pages.paginate(logGroupName=group, startTime=since)
            events = [event for page in found for event in page["events"]]
        except (BotoCoreError, ClientError):
            return
        seen: Counter[tuple[str, int, str]] = Counter()
        for event in sorted(events, key=lambda event: event["timestamp"]):
            line = event["message"].rstrip()
            key = (event["logStreamName"], event["timestamp"], line)
            seen[key] += 1
            if seen[key] > shown[key] and not line.startswith(PLATFORM):
                yield line
        shown = seen
        # A line can arrive a little later than one with a later time.
        since = max([since, *(event["timestamp"] - 10_000 for event in events)])
        time.sleep(0.5)
