"""Stories of deployment packages."""

import io
import subprocess
import tempfile
import unittest
import zipfile
from dataclasses import replace
from pathlib import Path

from stack import package, settings
from stack.errors import StackError


class Packages(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.settings = replace(settings.read({}), binaries=self.folder)
        self._build("first")

    def test_missing_binaries_are_named_together_with_what_to_do(self) -> None:
        with self.assertRaises(StackError) as caught:
            package.require(self.settings, ["send-alert", "relay", "telegram-sender"])

        self.assertIn("relay, telegram-sender", caught.exception.what)
        self.assertNotIn("send-alert", caught.exception.what)
        self.assertIn("cargo build", caught.exception.todo)

    def test_a_release_package_holds_the_binary_itself(self) -> None:
        release = replace(self.settings, profile="release")

        bootstrap = self._bootstrap(package._archive(release, "send-alert"))

        self.assertEqual(bootstrap, (self.folder / "send-alert").read_bytes())

    def test_a_debug_package_starts_the_binary_as_it_was_when_packed(self) -> None:
        kept = package._keep(self.folder / "send-alert", self.folder / "kept")
        self._build("second")

        again = package._keep(self.folder / "send-alert", self.folder / "kept")

        self.assertEqual(self._said(kept), "first")
        self.assertEqual(self._said(again), "second")

    def test_the_same_binary_gives_the_same_package(self) -> None:
        release = replace(self.settings, profile="release")

        self.assertEqual(
            package._archive(release, "send-alert"), package._archive(release, "send-alert")
        )

    def _build(self, says: str) -> None:
        """What cargo does: a new file in the place of the old one."""
        draft = self.folder / "draft"
        draft.write_text(f"#!/bin/sh\necho {says}\n")
        draft.chmod(0o755)
        draft.replace(self.folder / "send-alert")

    def _bootstrap(self, archive: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            self.assertEqual(packed.namelist(), ["bootstrap"])
            self.assertEqual(packed.getinfo("bootstrap").external_attr >> 16, 0o755)
            return packed.read("bootstrap")

    def _said(self, program: Path) -> str:
        return subprocess.run([program], capture_output=True, text=True, check=True).stdout.strip()
