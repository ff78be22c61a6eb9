"""Starts ministack, the AWS emulator."""

import json
import sys
import urllib.request

from .aws import ROOT_KEY
from .processes import Service
from .settings import HOST, REGION, ROOT, Settings


def start(settings: Settings) -> None:
    """Starts the emulator. All that it remembers is in its memory and goes when it ends."""
    scratch = settings.state / "emulator"
    scratch.mkdir(parents=True, exist_ok=True)
    env = {
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "MINISTACK_REGION": REGION,
        "GATEWAY_PORT": str(settings.aws_port),
        # Signatures are checked, and every function runs with the rights of its own role.
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        # Functions are told this endpoint even if their own environment does not name it.
        "AWS_ENDPOINT_URL": settings.functions_endpoint,
        # Services that would open ports of their own.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # Whatever it writes stays with the stack.
        "TMPDIR": str(scratch),
        "STATE_DIR": str(scratch),
        "S3_DATA_DIR": str(scratch),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT / "infra" / "local"),
    }
    service = Service("emulator", settings.state)
    service.start([sys.executable, "-m", "stack.emulator_process"], env)
    service.wait_until(lambda: is_healthy(settings), seconds=60)


def is_healthy(settings: Settings) -> bool:
    try:
        url = f"{settings.aws_endpoint}/_ministack/health"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(json.load(answer).get("version"))
    except (OSError, ValueError):
        return False
