"""Stories of the settings."""

import unittest
from dataclasses import replace

from stack import settings
from stack.errors import StackError


class TheEnvironment(unittest.TestCase):
    def test_nothing_set_means_debug_binaries_and_the_projects_own_simulator(self) -> None:
        read = settings.read({})

        self.assertEqual(read.binaries, settings.ROOT / "target" / "debug")
        self.assertEqual(read.aws_endpoint, "http://127.0.0.1:4560")
        self.assertEqual(read.stack_json, settings.ROOT / ".local" / "stack.json")
        self.assertIsNone(read.telegram_api)

    def test_release_binaries_can_be_asked_for(self) -> None:
        read = settings.read({"PROFILE": "release", "CARGO_TARGET_DIR": "/elsewhere"})

        self.assertEqual(str(read.binaries), "/elsewhere/release")

    def test_another_bot_api_server_needs_a_token_for_it(self) -> None:
        with self.assertRaises(StackError) as caught:
            settings.read({"TELEGRAM_API": "http://127.0.0.1:9999"})

        self.assertIn("TELEGRAM_BOT_TOKEN", caught.exception.todo)

    def test_the_slash_at_the_end_of_a_bot_api_server_does_not_matter(self) -> None:
        env = {"TELEGRAM_API": "http://127.0.0.1:9999/", "TELEGRAM_BOT_TOKEN": "100:test-token"}

        self.assertEqual(settings.read(env).telegram_api, "http://127.0.0.1:9999")

    def test_a_port_base_that_is_no_port_is_refused(self) -> None:
        for wrong in ("http", "80", "65536", "-1", "45.6"):
            with self.subTest(wrong), self.assertRaises(StackError):
                settings.read({"PORT_BASE": wrong})

    def test_a_profile_that_does_not_exist_is_refused(self) -> None:
        with self.assertRaises(StackError):
            settings.read({"PROFILE": "fast"})

    def test_a_stack_with_faults_shows_its_functions_the_proxy_and_nobody_else(self) -> None:
        plain = settings.read({})
        faulty = replace(plain, faults=True)

        self.assertEqual(plain.functions_endpoint, plain.aws_endpoint)
        self.assertEqual(faulty.aws_endpoint, plain.aws_endpoint)
        self.assertEqual(faulty.functions_endpoint, "http://127.0.0.1:4563")
        self.assertEqual(len(set(faulty.ports.values())), 6)

    def test_a_stack_at_another_port_has_a_description_of_its_own(self) -> None:
        moved = settings.at_port(settings.read({}), 4700)

        self.assertEqual(moved.stack_json, settings.ROOT / ".local" / "4700" / "stack.json")
