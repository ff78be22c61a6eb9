"""Alarms on figures of our own are read as CloudWatch reads them."""

import json
import unittest

from stack.alarms import state

ALARM = {
    "Namespace": "Usher",
    "MetricName": "SpareGroups",
    "Dimensions": [{"Name": "FunctionName", "Value": "sweep"}],
    "Statistic": "Minimum",
    "Threshold": 2,
    "ComparisonOperator": "LessThanThreshold",
    "TreatMissingData": "notBreaching",
}


def _told(value: int, function: str = "sweep", namespace: str = "Usher") -> str:
    directive = {
        "Namespace": namespace,
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": "SpareGroups", "Unit": "Count"}],
    }
    return json.dumps(
        {
            "_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]},
            "FunctionName": function,
            "SpareGroups": value,
        }
    )


class AnAlarm(unittest.TestCase):
    def test_rings_when_the_least_of_its_figures_is_too_low(self) -> None:
        self.assertEqual(state(ALARM, [_told(5), _told(1), _told(3)]), "ALARM")

    def test_is_silent_while_there_is_enough(self) -> None:
        self.assertEqual(state(ALARM, [_told(2), "a line", "[]", '{"level":"INFO"}']), "OK")

    def test_does_not_hear_of_others(self) -> None:
        self.assertEqual(state(ALARM, [_told(0, "relay"), _told(0, namespace="Other")]), "OK")

    def test_says_so_when_it_cannot_know(self) -> None:
        missing = {**ALARM, "TreatMissingData": "missing"}
        self.assertEqual(state(missing, []), "INSUFFICIENT_DATA")
