"""`make deploy`: the artefacts to AWS, then the webhook to Telegram.

Where to (account, region) is decided as for every AWS tool: AWS_PROFILE, AWS_REGION and so on. What
the stack is told comes from the environment, see SETTINGS; a stack that exists keeps what is not
named again.
"""

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

ROOT = Path(__file__).resolve().parents[2]

# Environment variable: (parameter of template.yaml, whether a new stack needs it, what it is)
SETTINGS = {
    "BOT_TOKEN": ("BotToken", True, "the bot's token, from @BotFather"),
    "BOT_USERNAME": ("BotUsername", True, "the bot's username, without @"),
    "JWT_ISSUER": ("JwtIssuer", True, "issuer of the callers' tokens, an https URL"),
    "JWT_AUDIENCE": ("JwtAudience", False, "audience that a token must name (usher)"),
    "ALARM_TOPIC_ARN": ("AlarmTopicArn", False, "SNS topic that is told about alarms"),
    "TELEGRAM_API": ("TelegramApi", False, "another Bot API server"),
    "POOL_LOW_WATER": ("PoolLowWater", False, "with fewer spare groups an alarm is raised (0: never)"),
    "LOG_LEVEL": ("LogLevel", False, "error, warn, info, debug or trace (info)"),
}


def main() -> int:
    _heed_aws_region()
    stack = os.environ.get("STACK") or "usher"
    given = {name: value for name in SETTINGS if (value := os.environ.get(name))}
    try:
        if not _exists(stack):
            missing = [
                name for name, (_, needed, _) in SETTINGS.items() if needed and name not in given
            ]
            if missing:
                return _explain(stack, missing)
        status = _deploy(stack, _parameters(given, datetime.now(UTC)))
        return status or _register_webhook(stack)
    except (BotoCoreError, ClientError) as error:
        print(f"usher: AWS said no: {error}", file=sys.stderr)
        print(
            "  What to do: check AWS_PROFILE, AWS_REGION and the account's rights.", file=sys.stderr
        )
        return 1


def _heed_aws_region() -> None:
    """Lets AWS_REGION say where to, as it does for the AWS CLI and the other SDKs.

    botocore, which finds the region for boto3 and for sam, reads AWS_DEFAULT_REGION only: with
    AWS_REGION alone both would deploy to the profile's region, or to none.
    """
    if region := os.environ.get("AWS_REGION"):
        os.environ["AWS_DEFAULT_REGION"] = region


def _parameters(given: dict[str, str], now: datetime) -> dict[str, str]:
    """The settings under the names that template.yaml has for them.

    With the bot's token goes the time: it starts the functions anew that have read the old token.
    """
    parameters = {SETTINGS[name][0]: value for name, value in given.items()}
    if "BOT_TOKEN" in given:
        parameters["BotTokenGiven"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return parameters


def _exists(stack: str) -> bool:
    try:
        boto3.client("cloudformation").describe_stacks(StackName=stack)
    except ClientError as error:
        if "does not exist" in str(error):
            return False
        raise
    return True


def _explain(stack: str, missing: list[str]) -> int:
    print(
        f"usher: there is no stack {stack!r} yet, and a new one needs to know more.",
        file=sys.stderr,
    )
    print("  What to do: set these and run make deploy again:", file=sys.stderr)
    for name in missing:
        print(f"    {name:<14} {SETTINGS[name][2]}", file=sys.stderr)
    return 1


def _deploy(stack: str, parameters: dict[str, str]) -> int:
    # By file: everybody on the machine can read a command line, and one of them is a secret.
    # The file is YAML for sam, and JSON is YAML.
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(parameters, file)
        file.flush()
        command = ["sam", "deploy", "--template-file", str(ROOT / "template.yaml")]
        command += ["--stack-name", stack, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"]
        command += ["--no-fail-on-empty-changeset"]
        if parameters:
            command += ["--parameter-overrides", f"file://{file.name}"]
        tools = Path(sys.executable).parent
        env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "SAM_CLI_TELEMETRY": "0"}
        return subprocess.call(command, cwd=ROOT, env=env)


def _register_webhook(stack: str) -> int:
    found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
    function = outputs["RegisterWebhookFunction"]
    answer = boto3.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    said = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        print(f"usher: the stack is deployed, but Telegram does not know its webhook: {said}")
        print("  What to do: check the bot's token and run make deploy again.")
        return 1
    print(f"\nThe stack is deployed and the webhook registered.\nAPI: {outputs['ApiUrl']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
