"""A stack in which calls go wrong: a proxy stands in front of AWS and of Telegram.

The functions' calls, the callers' and Telegram's to the webhook go through it; the emulator's own
work, the deployment, and whoever looks at the result do not. It lets everything pass until it is
told a weather: see fault-proxy/.
"""

import urllib.request

from .aws import client
from .processes import Service
from .settings import HOST, Settings

PROGRAM = "fault-proxy"

# On AWS a message is hidden for six times the sender's time limit, and from its batch's beginning for
# as long as that may still run; here, for this (the proxy forwards nothing that hides a batch). A
# killed sender's messages would otherwise come back after a minute and more, and nobody waits for that
# in a test. The sender's own leases (45 and 75 seconds) stay as they are. It is the harder world: a
# batch that takes longer than this is handed out a second time while it is still being worked on.
VISIBILITY_SECONDS = 10
QUEUES = ("AlertsQueue", "HousekeepingQueue")


def start_proxy(settings: Settings) -> None:
    command = [str(settings.binaries / PROGRAM)]
    for name, port in {
        "aws": settings.aws_port,
        "telegram": settings.telegram_port,
        "before-aws": settings.faulty_aws_port,
        "before-telegram": settings.faulty_telegram_port,
        "control": settings.faults_port,
    }.items():
        command += [f"--{name}", f"{HOST}:{port}"]
    service = Service(PROGRAM, settings.state)
    service.start(command)
    service.wait_until(lambda: _answers(settings), seconds=20)


def shorten_visibility(settings: Settings, physical: dict[str, str]) -> None:
    sqs = client(settings, "sqs")
    for queue in QUEUES:
        sqs.set_queue_attributes(
            QueueUrl=physical[queue], Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)}
        )


def _answers(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"{settings.faults_control}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
