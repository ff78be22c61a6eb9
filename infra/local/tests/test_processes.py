"""Stories of background processes."""

import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from stack import processes
from stack.errors import StackError
from stack.processes import Service

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


class Processes(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.state = Path(folder.name)
        self.addCleanup(folder.cleanup)
        self.addCleanup(processes.stop_all, self.state)

    def test_a_service_is_found_by_its_file_and_stopped(self) -> None:
        service = Service("sleeper", self.state)
        service.start(SLEEP)
        pid = service.pid()
        self.assertIsNotNone(pid)

        self.assertEqual(processes.stop_all(self.state), 1)

        self.assertIsNone(service.pid())
        self.assertFalse(service.file.exists())
        self.assertEqual(processes.stop_all(self.state), 0)

    def test_a_child_that_left_the_group_is_stopped_too(self) -> None:
        note = self.state / "child"
        run_away = (
            "import pathlib, subprocess, sys, time\n"
            f"child = subprocess.Popen({SLEEP!r}, start_new_session=True)\n"
            f"pathlib.Path({str(note)!r}).write_text(str(child.pid))\n"
            "time.sleep(60)\n"
        )
        service = Service("parent", self.state)
        service.start([sys.executable, "-c", run_away])
        service.wait_until(lambda: note.exists() and note.read_text() != "", seconds=20)
        child = int(note.read_text())

        processes.stop_all(self.state)

        self.assertIsNone(processes._began(child))

    def test_a_process_that_has_the_id_of_an_old_one_is_left_alone(self) -> None:
        stranger = subprocess.Popen(SLEEP)
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        service = Service("old", self.state)
        service.file.write_text(f"{stranger.pid} 1\n")

        self.assertIsNone(service.pid())
        processes.stop_all(self.state)

        self.assertIsNone(stranger.poll())

    def test_a_program_that_ends_at_once_is_reported_with_what_it_said(self) -> None:
        service = Service("simulator", self.state)
        service.start([sys.executable, "-c", "raise SystemExit('no such option')"])

        with self.assertRaises(StackError) as caught:
            service.wait_until(lambda: False, seconds=20)

        self.assertIn("the simulator ended right after its start", caught.exception.what)
        self.assertIn("no such option", caught.exception.what)

    def test_a_program_that_never_answers_is_reported(self) -> None:
        service = Service("simulator", self.state)
        service.start(SLEEP)
        start = time.monotonic()

        with self.assertRaises(StackError) as caught:
            service.wait_until(lambda: False, seconds=0.2)

        self.assertIn("did not answer", caught.exception.what)
        self.assertLess(time.monotonic() - start, 10)

    def test_a_service_gets_nothing_of_the_callers_environment_but_what_it_needs(self) -> None:
        os.environ["TELEGRAM_BOT_TOKEN"] = "100:test-token"
        self.addCleanup(os.environ.pop, "TELEGRAM_BOT_TOKEN")
        service = Service("printer", self.state)
        service.start([sys.executable, "-c", "import os; print(sorted(os.environ))"], {"A": "1"})
        service.wait_until(lambda: "]" in service.log.read_text(), seconds=20)

        said = service.log.read_text()
        self.assertIn("'A'", said)
        self.assertNotIn("TELEGRAM_BOT_TOKEN", said)
