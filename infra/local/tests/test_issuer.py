"""Stories of tokens."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import jwt

from stack import issuer, settings
from stack.errors import StackError


class Tokens(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        patched = mock.patch.object(issuer, "KEY", Path(folder.name) / "issuer.pem")
        patched.start()
        self.addCleanup(patched.stop)
        self.settings = settings.read({})

    def test_a_token_says_who_may_do_what_and_is_signed_with_the_published_key(self) -> None:
        key = jwt.PyJWK(issuer._public_key(issuer._key()))
        token = issuer.token(self.settings, "usher/trader", "trader-1", seconds=60)

        claims = jwt.decode(
            token, key, algorithms=["RS256"], audience="usher", issuer=self.settings.issuer
        )

        self.assertEqual(claims["sub"], "trader-1")
        self.assertEqual(claims["scope"], "usher/trader")
        self.assertEqual(jwt.get_unverified_header(token)["kid"], key.key_id)

    def test_a_token_can_be_made_that_has_expired(self) -> None:
        key = jwt.PyJWK(issuer._public_key(issuer._key()))
        token = issuer.token(self.settings, "usher/trader", "trader-1", seconds=-60)

        with self.assertRaises(jwt.ExpiredSignatureError):
            jwt.decode(token, key, algorithms=["RS256"], audience="usher")

    def test_the_key_is_kept_and_only_its_owner_may_read_it(self) -> None:
        first = issuer._public_key(issuer._key())

        self.assertEqual(first, issuer._public_key(issuer._key()))
        self.assertEqual(issuer.KEY.stat().st_mode & 0o777, 0o600)

    def test_without_a_stack_there_is_no_token(self) -> None:
        with self.assertRaises(StackError):
            issuer.token(self.settings, "usher/trader", "trader-1", seconds=60)
