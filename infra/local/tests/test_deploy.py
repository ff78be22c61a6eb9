"""Stories of `make deploy`."""

import importlib.util
import os
import unittest
from datetime import UTC, datetime
from types import ModuleType
from unittest import mock

import boto3

from stack import template
from stack.settings import ROOT

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)


def _script() -> ModuleType:
    """The script itself: it stands in no package, since `make deploy` runs it as a file."""
    spec = importlib.util.spec_from_file_location("deploy_script", ROOT / "infra/build/deploy.py")
    if spec is None or spec.loader is None:
        raise ImportError("infra/build/deploy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Deploying(unittest.TestCase):
    def setUp(self) -> None:
        self.script = _script()
        # A copy: whatever a test does to it is undone.
        patched = mock.patch.dict(os.environ)
        patched.start()
        self.addCleanup(patched.stop)
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", *self.script.SETTINGS):
            os.environ.pop(name, None)

    def test_aws_region_wins_over_aws_default_region(self) -> None:
        os.environ.update(AWS_REGION="eu-central-1", AWS_DEFAULT_REGION="us-east-1")

        self._deploy()

        self.assertEqual(os.environ["AWS_DEFAULT_REGION"], "eu-central-1")
        self.assertEqual(boto3.Session().region_name, "eu-central-1")

    def test_without_aws_region_the_region_stays(self) -> None:
        os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
        for nothing in ({}, {"AWS_REGION": ""}):
            with self.subTest(nothing), mock.patch.dict(os.environ, nothing):
                self._deploy()

                self.assertEqual(os.environ["AWS_DEFAULT_REGION"], "us-east-1")

    def test_without_any_region_none_is_made_up(self) -> None:
        self._deploy()

        self.assertNotIn("AWS_DEFAULT_REGION", os.environ)

    def test_a_token_goes_with_the_time_at_which_it_was_given(self) -> None:
        parameters = self.script._parameters({"BOT_TOKEN": "100:test-token"}, NOW)

        self.assertEqual(
            parameters, {"BotToken": "100:test-token", "BotTokenGiven": "2026-03-01T12:00:00Z"}
        )

    def test_without_a_token_no_function_is_started_anew(self) -> None:
        given = {name: "1" for name in self.script.SETTINGS if name != "BOT_TOKEN"}

        self.assertNotIn("BotTokenGiven", self.script._parameters(given, NOW))

    def test_a_token_that_is_empty_counts_as_not_given(self) -> None:
        os.environ.update(BOT_TOKEN="", LOG_LEVEL="debug")

        self.assertEqual(self._deploy(), {"LogLevel": "debug"})

    def test_the_template_knows_every_parameter(self) -> None:
        everything = self.script._parameters(dict.fromkeys(self.script.SETTINGS, "1"), NOW)

        self.assertLessEqual(set(everything), set(template.load()["Parameters"]))

    def _deploy(self) -> dict[str, str]:
        """Deploys to a stack that exists, without AWS; what it would be told."""
        with (
            mock.patch.object(self.script, "_exists", return_value=True),
            mock.patch.object(self.script, "_deploy", return_value=0) as deploy,
            mock.patch.object(self.script, "_register_webhook", return_value=0),
        ):
            self.assertEqual(self.script.main(), 0)
        told: dict[str, str] = deploy.call_args.args[1]
        return told
