"""Stories of ports."""

import os
import socket
import unittest

from stack import ports
from stack.errors import StackError
from stack.settings import HOST


class Ports(unittest.TestCase):
    def test_a_taken_port_is_refused_with_the_name_of_who_has_it(self) -> None:
        with socket.create_server((HOST, 0)) as taken:
            port = taken.getsockname()[1]

            with self.assertRaises(StackError) as caught:
                ports.require_free(port, "the AWS emulator")

        self.assertIn("needed for the AWS emulator", caught.exception.what)
        self.assertIn(f"process {os.getpid()} ", caught.exception.what)

    def test_a_port_is_free_again_when_its_server_has_gone(self) -> None:
        with socket.create_server((HOST, 0)) as taken:
            port = taken.getsockname()[1]
            self.assertFalse(ports.is_free(port))

        self.assertTrue(ports.is_free(port))
