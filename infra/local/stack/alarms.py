"""Whether the alarms on figures of our own would ring.

The emulator makes no figures of the lines by which functions tell them (Amazon CloudWatch,
"Embedded metric format"), so those lines are read here as CloudWatch would read them.
"""

import json
import operator
import time
from collections.abc import Iterable
from typing import Any

from .aws import client
from .deploy import physical_ids
from .settings import Settings

NAMESPACE = "Usher"

COMPARE = {
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
}
STATISTIC = {"Minimum": min, "Maximum": max, "Sum": sum}


def states(settings: Settings) -> dict[str, str]:
    """Logical id to state of each such alarm."""
    physical = physical_ids(settings)
    names = {name: logical_id for logical_id, name in physical.items()}
    pages = client(settings, "cloudwatch").get_paginator("describe_alarms").paginate()
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    now = int(time.time() * 1000)
    return {
        names.get(alarm["AlarmName"], alarm["AlarmName"]): state(
            alarm, _lines(settings, physical["FunctionLogs"], now - alarm["Period"] * 1000)
        )
        for alarm in alarms
        if alarm.get("Namespace") == NAMESPACE
    }


def state(alarm: dict[str, Any], lines: Iterable[str]) -> str:
    """What CloudWatch would say of an alarm, with what was written in its last period."""
    dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    values = [value for line in lines for value in _values(line, alarm["MetricName"], dimensions)]
    if not values:
        return "INSUFFICIENT_DATA" if alarm.get("TreatMissingData") != "notBreaching" else "OK"
    figure = STATISTIC[alarm["Statistic"]](values)
    rings = COMPARE[alarm["ComparisonOperator"]](figure, alarm["Threshold"])
    return "ALARM" if rings else "OK"


def _values(line: str, metric: str, dimensions: dict[str, str]) -> Iterable[float]:
    try:
        told = json.loads(line)
    except ValueError:
        return
    if not isinstance(told, dict) or "_aws" not in told:
        return
    for directive in told["_aws"]["CloudWatchMetrics"]:
        named = any(one["Name"] == metric for one in directive["Metrics"])
        fits = any(
            {name: told.get(name) for name in names} == dimensions
            for names in directive["Dimensions"]
        )
        if directive["Namespace"] == NAMESPACE and named and fits:
            yield told[metric]


def _lines(settings: Settings, group: str, since: int) -> list[str]:
    pages = client(settings, "logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=group, startTime=since)
    return [event["message"] for page in found for event in page["events"]]
