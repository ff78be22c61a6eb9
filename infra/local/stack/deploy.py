"""CloudFormation: create the stack, or bring it up to date."""

import json
import time
from typing import Any

from botocore.exceptions import ClientError

from .aws import client
from .errors import StackError
from .settings import STACK_NAME, Settings


def deploy(settings: Settings, template: dict[str, Any], parameters: dict[str, str]) -> None:
    """Deploys the template and waits for the end."""
    cloudformation = client(settings, "cloudformation")
    request = {
        "StackName": STACK_NAME,
        # Without spaces: a template in a request has 51,200 bytes at the most (AWS CloudFormation,
        # "Quotas"). sam uploads it instead.
        "TemplateBody": json.dumps(template, separators=(",", ":")),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    try:
        if _status(cloudformation) is None:
            cloudformation.create_stack(**request)
        else:
            cloudformation.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        raise StackError(
            f"CloudFormation refused the template: {error.response['Error'].get('Message')}",
            "make check-template often says it more clearly",
        ) from None
    status = _wait(cloudformation)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise StackError(
            f"the deployment ended as {status}:\n{_failures(cloudformation)}",
            "put the template right (make check-template helps), then make down and make up",
        )


def physical_ids(settings: Settings) -> dict[str, str]:
    """Logical id to physical id of everything in the stack."""
    answer = client(settings, "cloudformation").describe_stack_resources(StackName=STACK_NAME)
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in answer["StackResources"]
    }


def output(settings: Settings, key: str) -> str:
    stacks = client(settings, "cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    return next(o["OutputValue"] for o in stacks[0]["Outputs"] if o["OutputKey"] == key)


def _status(cloudformation: Any) -> str | None:
    try:
        answer = cloudformation.describe_stacks(StackName=STACK_NAME)
    except ClientError:
        return None  # The only thing this call can refuse: there is no such stack.
    return str(answer["Stacks"][0]["StackStatus"])


def _wait(cloudformation: Any) -> str | None:
    deadline = time.monotonic() + 120
    while (status := _status(cloudformation)) and status.endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return status


def _failures(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    reasons = [
        f"    {event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
    ]
    return "\n".join(reasons) or "    (no resource gives a reason)"
