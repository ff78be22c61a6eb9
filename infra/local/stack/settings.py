"""What a stack is made of, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import StackError

ROOT = Path(__file__).resolve().parents[3]
HOST = "127.0.0.1"
REGION = "us-east-1"
STACK_NAME = "usher"
AUDIENCE = "usher"

# The bot of the project's own simulator. Nobody at Telegram can have it: a real id is longer.
LOCAL_BOT_TOKEN = "100:local-bot"
LOCAL_BOT_USERNAME = "UsherLocalBot"


@dataclass(frozen=True)
class Settings:
    """One stack. Two of them run side by side when their `port_base` differs."""

    port_base: int
    profile: str
    """`dev` or `release`."""
    binaries: Path
    """Where cargo leaves what it built."""
    stack_json: Path
    """Where `up` writes the description of the running stack."""
    telegram_api: str | None
    """Base URL of somebody else's Bot API server; the simulator is not started then."""
    bot_token: str
    log_level: str
    faults: bool = False
    """Whether a proxy stands in front of AWS and Telegram, so that calls can go wrong."""

    @property
    def state(self) -> Path:
        """Everything this stack writes: logs, process ids, the emulator's files."""
        return ROOT / ".local" / str(self.port_base)

    @property
    def aws_port(self) -> int:
        return self.port_base

    @property
    def issuer_port(self) -> int:
        return self.port_base + 1

    @property
    def telegram_port(self) -> int:
        return self.port_base + 2

    @property
    def faulty_aws_port(self) -> int:
        return self.port_base + 3

    @property
    def faulty_telegram_port(self) -> int:
        return self.port_base + 4

    @property
    def faults_port(self) -> int:
        return self.port_base + 5

    @property
    def ports(self) -> dict[str, int]:
        """Every port that the stack needs, and for what."""
        needed = {"the issuer of tokens": self.issuer_port, "the AWS emulator": self.aws_port}
        if not self.telegram_api:
            needed["the Telegram simulator"] = self.telegram_port
        if self.faults:
            needed["the proxy before AWS"] = self.faulty_aws_port
            needed["the proxy before Telegram"] = self.faulty_telegram_port
            needed["the control of the proxy"] = self.faults_port
        return needed

    @property
    def aws_endpoint(self) -> str:
        return f"http://{HOST}:{self.aws_port}"

    @property
    def functions_endpoint(self) -> str:
        """Where the functions find AWS, and callers the API."""
        return f"http://{HOST}:{self.faulty_aws_port}" if self.faults else self.aws_endpoint

    @property
    def issuer(self) -> str:
        return f"http://{HOST}:{self.issuer_port}"

    @property
    def simulator(self) -> str:
        return f"http://{HOST}:{self.telegram_port}"

    @property
    def faulty_simulator(self) -> str:
        return f"http://{HOST}:{self.faulty_telegram_port}"

    @property
    def faults_control(self) -> str:
        return f"http://{HOST}:{self.faults_port}"


def read(env: Mapping[str, str] = os.environ) -> Settings:
    """The settings that the environment asks for. A variable that is empty counts as not set."""
    profile = env.get("PROFILE") or "dev"
    if profile not in ("dev", "release"):
        raise StackError(f"PROFILE is {profile!r}", "use PROFILE=dev or PROFILE=release")
    target = Path(env.get("CARGO_TARGET_DIR") or "target")
    built = ROOT / target / ("debug" if profile == "dev" else "release")
    telegram_api = (env.get("TELEGRAM_API") or "").rstrip("/") or None
    bot_token = env.get("TELEGRAM_BOT_TOKEN") or ""
    if telegram_api and not bot_token:
        raise StackError(
            f"TELEGRAM_API is set to {telegram_api}, but TELEGRAM_BOT_TOKEN is not",
            "set TELEGRAM_BOT_TOKEN to the token of a bot that this server knows",
        )
    return Settings(
        port_base=_port(env.get("PORT_BASE") or "4560"),
        profile=profile,
        binaries=Path(env.get("BINARIES") or built),
        stack_json=ROOT / (env.get("STACK_JSON") or ".local/stack.json"),
        telegram_api=telegram_api,
        bot_token=bot_token or LOCAL_BOT_TOKEN,
        log_level=env.get("LOG_LEVEL") or "info",
    )


def at_port(settings: Settings, port_base: int) -> Settings:
    """The same stack at another port, described in a file of its own."""
    moved = replace(settings, port_base=port_base)
    return replace(moved, stack_json=moved.state / "stack.json")


def _port(text: str) -> int:
    if text.isdecimal() and 1024 <= int(text) <= 65000:
        return int(text)
    raise StackError(
        f"PORT_BASE is {text!r}",
        "give a number from 1024 to 65000; the stack takes that port and the two after it",
    )
