"""The command line behind `make up`, `make down`, `make token` and their like."""

import argparse
import json
import signal
import sys
from dataclasses import replace
from types import FrameType
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from . import alarms, describe, emulator, issuer, logs, look, session, settings
from .describe import Description
from .errors import StackError
from .invoke import invoke
from .settings import Settings
from .up import down, up


def main() -> int:
    arguments = _arguments()
    # Ended by another program, or by a closed terminal, is ended like Ctrl-C: what was started is
    # taken down again.
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        return _run(arguments, settings.read())
    except StackError as error:
        print(f"\nusher: {error}", file=sys.stderr)
        return 1
    except (ClientError, BotoCoreError) as error:
        print(f"\nusher: the AWS emulator refused something: {error}", file=sys.stderr)
        print("  What to do: make down, then make up; its log is emulator.log", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the stack, or bring a running one up to date")
    commands.add_parser("down", help="stop the stack")
    commands.add_parser("addresses", help="print where everything is")
    play = commands.add_parser("play", help="up, a command, then stay up until Ctrl-C")
    play.add_argument("run", nargs="+")
    run = commands.add_parser("run", help="up on free ports, a command, down")
    run.add_argument("run", nargs="+")
    faults = commands.add_parser("faults", help="like run, with a proxy that lets calls go wrong")
    faults.add_argument("run", nargs="+")
    commands.add_parser("look", help="print what is in the tables and the queues, as JSON")
    commands.add_parser("sweep", help="run the expiry function once and print its answer")
    commands.add_parser("daily-check", help="begin the check of all members, print its answer")
    commands.add_parser("pool-link", help="print the link by which spare groups are added")
    commands.add_parser("alarms", help="print which alarms on figures of our own would ring")
    commands.add_parser("redrive", help="send the dead letters again and print how many")
    commands.add_parser("logs", help="follow what the functions write")
    token = commands.add_parser("token", help="print a JWT that the stack accepts")
    token.add_argument("--scope", required=True)
    token.add_argument("--sub", required=True)
    token.add_argument("--seconds", type=int, default=3600)
    return parser.parse_args()


def _run(arguments: argparse.Namespace, stack: Settings) -> int:
    match arguments.command:
        case "up":
            _addresses(up(stack), stack)
        case "down":
            stopped = down(stack)
            print("stopped" if stopped else "nothing was running", file=sys.stderr)
        case "play":
            return session.play(stack, arguments.run, lambda up: _addresses(up, stack))
        case "run":
            return session.run(session.find_free_ports(stack), arguments.run)
        case "faults":
            faulty = session.find_free_ports(replace(stack, faults=True))
            return session.run(faulty, arguments.run)
        case "look":
            print(json.dumps(look.look(stack, _running(stack)), default=look.plain))
        case "addresses":
            _addresses(_running(stack), stack)
        case "sweep":
            _print_answer(stack, "expire-subscriptions")
        case "daily-check":
            _print_answer(stack, "reconcile-members")
        case "pool-link":
            _print_answer(stack, "create-pool-link")
        case "alarms":
            _running(stack)
            print(json.dumps(alarms.states(stack), indent=2))
        case "redrive":
            _print_answer(stack, "redrive-dead-letters")
        case "logs":
            _running(stack)
            for line in logs.follow(stack):
                print(line, flush=True)
        case "token":
            print(issuer.token(stack, arguments.scope, arguments.sub, arguments.seconds))
    return 0


def _print_answer(stack: Settings, name: str) -> None:
    function = _running(stack)["functions"][name]
    print(json.dumps(invoke(stack, function, name), indent=2))


def _running(stack: Settings) -> Description:
    description = describe.read(stack)
    if description is None or not emulator.is_healthy(stack):
        raise StackError(f"no stack is up at port {stack.port_base}", "start it: make up")
    return description


def _addresses(description: Description, stack: Settings) -> None:
    rows = {
        "API": description["api_url"],
        "Telegram": description["telegram_api"],
        "Telegram page": description["telegram_page"],
        "AWS": description["aws_endpoint"],
        "token issuer": stack.issuer,
        "mails": description["mail_url"],
        "logs": str(stack.state),
        "all of it": str(stack.stack_json),
    }
    print()
    for name, value in rows.items():
        if value:
            print(f"  {name:<14} {value}")


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
