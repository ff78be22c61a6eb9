"""Rules about template.yaml that no linter knows."""

import re
import unittest
from typing import Any

from stack import template


def _resources(kind: str) -> dict[str, Any]:
    found = template.load()["Resources"]
    return {name: r["Properties"] for name, r in found.items() if r["Type"] == kind}


def _names(value: Any) -> set[str]:
    """The resources that a value refers to, by `Ref`, `GetAtt` or `Sub`."""
    if isinstance(value, dict):
        if "Ref" in value:
            return {value["Ref"]}
        if "Fn::GetAtt" in value:
            return {value["Fn::GetAtt"][0]}
        if "Fn::Sub" in value:
            return {name.split(".")[0] for name in re.findall(r"\$\{([^}]+)\}", value["Fn::Sub"])}
        return set().union(*map(_names, value.values()))
    if isinstance(value, list):
        return set().union(*map(_names, value))
    return set()


class TheTemplate(unittest.TestCase):
    def setUp(self) -> None:
        self.functions = _resources("AWS::Serverless::Function")
        self.stateful = set().union(
            *(
                _resources(kind)
                for kind in (
                    "AWS::DynamoDB::Table",
                    "AWS::SQS::Queue",
                    "AWS::SecretsManager::Secret",
                    "AWS::Events::EventBus",
                )
            )
        )

    def test_a_function_may_touch_what_it_is_told_of(self) -> None:
        """What its environment names and what its role allows are the same things."""
        told_by_lambda = {
            # Lambda itself, in the name of the function: streams to read, where to leave failures.
            "Relay": {"Services", "Subscriptions", "Alerts", "RelayDeadQueue"},
        }
        for name, properties in self.functions.items():
            with self.subTest(name):
                told = _names(properties["Environment"]["Variables"]) & self.stateful
                may = _names(properties["Policies"]) & self.stateful
                self.assertEqual(may, told | told_by_lambda.get(name, set()))

    def test_no_right_is_for_everything(self) -> None:
        for name, properties in self.functions.items():
            for statement in properties["Policies"]["Statement"]:
                with self.subTest(name):
                    actions = statement["Action"]
                    actions = [actions] if isinstance(actions, str) else actions
                    self.assertFalse([action for action in actions if "*" in action])
                    self.assertNotEqual(statement["Resource"], "*")

    def test_every_route_asks_for_a_scope_but_those_that_show_a_secret(self) -> None:
        without = set()
        for name, properties in self.functions.items():
            for event in properties.get("Events", {}).values():
                if event["Type"] == "HttpApi" and not event["Properties"]["Auth"].get(
                    "AuthorizationScopes"
                ):
                    without.add(name)
        self.assertEqual(without, {"TelegramWebhook", "IngestTradingview"})

    def test_who_has_read_the_bots_token_is_started_anew_with_a_new_one(self) -> None:
        for name, properties in self.functions.items():
            with self.subTest(name):
                reads = "BOT_TOKEN_SECRET" in properties["Environment"]["Variables"]
                changes = "BotTokenGiven" in _names(properties.get("Description"))
                self.assertEqual(changes, reads)

    def test_a_functions_name_is_its_folders_name(self) -> None:
        for package, logical_id in template.functions(template.load()).items():
            self.assertEqual("".join(map(str.capitalize, package.split("-"))), logical_id)

    def test_a_queue_hides_a_message_for_six_times_as_long_as_its_reader_may_take(self) -> None:
        queues = _resources("AWS::SQS::Queue")
        for name, mapping in _resources("AWS::Lambda::EventSourceMapping").items():
            source = next(iter(_names(mapping["EventSourceArn"])))
            reader = self.functions[next(iter(_names(mapping["FunctionName"])))]
            if source in queues:
                with self.subTest(name):
                    visible = queues[source]["VisibilityTimeout"]
                    self.assertGreaterEqual(visible, 6 * reader["Timeout"])
