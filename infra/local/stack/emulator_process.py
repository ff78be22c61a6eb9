"""The emulator's own process: ministack 1.5.33 with four things put right that no API call can.

Each patch reaches for a name inside ministack. A version without that name fails at the start, and
this file is where to look then.
"""

from typing import Any

from ministack.app import main
from ministack.core import iam_actions
from ministack.core.lambda_runtime import ProvidedWorker
from ministack.services import lambda_svc

Result = dict[str, Any]


def honour_failures_in_stream_batches() -> None:
    """Lets a stream's batch that came back with failures be handed out again.

    ministack goes on behind the batch even if `batchItemFailures` names records in it. AWS hands
    the batch out again from the first of those on; here it is the whole batch, which a function
    must bear on AWS too, because delivery is at least once.
    """
    execute = lambda_svc._execute_function

    def patched(function: Result, event: Any) -> Result:
        result = execute(function, event)
        body = result.get("body")
        failed = isinstance(body, dict) and body.get("batchItemFailures")
        return {**result, "error": True} if failed and _is_from_stream(event) else result

    lambda_svc._execute_function = patched


def _is_from_stream(event: Any) -> bool:
    records = event.get("Records") if isinstance(event, dict) else None
    return bool(records) and records[0].get("eventSource") == "aws:dynamodb"


def allow_batches_of_what_is_allowed() -> None:
    """Lets `sqs:SendMessage` stand for `SendMessageBatch`, and so on.

    Amazon SQS API permissions: a batch needs the right for the single action; there is no other.
    """
    extract = iam_actions.extract_iam_action

    def patched(*arguments: Any) -> str | None:
        action = extract(*arguments)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = patched


def send_events_at_once() -> None:
    """Takes 40 ms off every call: the event's head and body leave in two packets, and the kernel
    holds the second back until the first is acknowledged."""
    build = ProvidedWorker._build_handler_class

    def patched(self: ProvidedWorker, *arguments: Any) -> Any:
        handler = build(self, *arguments)
        handler.disable_nagle_algorithm = True
        return handler

    ProvidedWorker._build_handler_class = patched


def wait_less_for_logs() -> None:
    """Takes 45 ms off every call of a function that has nothing to log. A line that comes later
    than this is shown with the next call."""
    drain = ProvidedWorker._drain_stderr_bounded

    def patched(self: ProvidedWorker, first_line_wait: float = 0.005) -> str:
        return str(drain(self, first_line_wait))

    ProvidedWorker._drain_stderr_bounded = patched


if __name__ == "__main__":
    honour_failures_in_stream_batches()
    allow_batches_of_what_is_allowed()
    send_events_at_once()
    wait_less_for_logs()
    main()
