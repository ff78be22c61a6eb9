"""Holds the running stack against infra/openapi.yaml: requests of every kind, made from the contract.

Run in a stack: `python -m stack run -- python infra/local/bad-input/run.py --seconds 600`.
It sets a scene (services with and without a group, a buyer, an alert), so that requests reach
something, and hands over to schemathesis.
"""

import argparse
import json
import os
import string
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from stack import describe, invoke, issuer, settings
from stack.aws import client
from stack.settings import ROOT

HERE = Path(__file__).resolve().parent
CONTRACT = ROOT / "infra" / "openapi.yaml"
PROGRAM = ROOT / ".local" / "venv-schemathesis" / "bin" / "schemathesis"

# What the contract's examples name, and what stands for it here.
SHOWN = {
    "5b7a1f0e-3c1d-4f6a-9d2e-8a4c7e1b0f35": "SERVICE_0",
    "9c8b7a65-4d3e-5f2a-b1c0-d9e8f7a6b5c4": "ALERT",
    "c1a5d9e3-7b2f-5e8a-9c4d-0f1e2d3c4b5a": "SUBSCRIPTION",
    # The end of a trial, which has to lie in the future.
    "2026-03-08T12:00:00Z": "LATER",
}


class Scene:
    def __init__(self) -> None:
        self.settings = settings.read()
        found = describe.read(self.settings)
        if found is None:
            raise SystemExit("usher: no stack is up. What to do: make schemathesis")
        self.description = found
        self.tokens = {
            scope: issuer.token(self.settings, f"usher/{scope}", subject, 7200)
            for scope, subject in [("trader", "trader-1"), ("storefront", "shop")]
        }

    def call(self, method: str, path: str, body: Any = None, scope: str = "trader") -> Any:
        headers = {"authorization": f"Bearer {self.tokens[scope]}"}
        return _json(method, self.description["api_url"] + path, body, headers)

    def telegram(self, path: str, body: Any) -> Any:
        return _json("POST", f"{self.description['telegram_api']}/control/{path}", body, {})

    def service(self, name: str) -> str:
        price = {"amount": "49.90", "currency": "USD"}
        body = {"name": name, "price": price, "duration_days": 30}
        return str(self.call("POST", "/traders/services", body)["id"])

    def group(self, service: str) -> None:
        path = f"/traders/services/{service}/telegram-group/create"
        link = self.call("POST", path, {"mode": "link"})["setup_link"]
        self._add_bot(link)

    def spare_group(self) -> None:
        function = self.description["functions"]["create-pool-link"]
        self._add_bot(invoke.invoke(self.settings, function, "create-pool-link")["setup_link"])

    def _add_bot(self, link: str) -> None:
        owner = self.telegram("users", {"first_name": "Tara"})["id"]
        chat = self.telegram("groups", {"owner": owner, "title": "Signals"})["chat_id"]
        self.telegram("open", {"user": owner, "chat_id": chat, "link": link})

    def wait_for_group(self, service: str) -> None:
        for _ in range(300):
            status = self.call("GET", f"/traders/services/{service}")["telegram_group"]["status"]
            if status == "ready":
                return
            time.sleep(0.2)
        raise SystemExit("usher: the group was not set up in a minute")

    def webhook_secret(self) -> str:
        physical = client(self.settings, "cloudformation").describe_stack_resource(
            StackName=settings.STACK_NAME, LogicalResourceId="WebhookSecretSecret"
        )["StackResourceDetail"]["PhysicalResourceId"]
        secrets = client(self.settings, "secretsmanager")
        return str(secrets.get_secret_value(SecretId=physical)["SecretString"])


def _json(method: str, url: str, body: Any, headers: dict[str, str]) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {**headers, "content-type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def set_scene() -> dict[str, str]:
    """Makes what the requests are about, and says what it is called."""
    scene = Scene()
    # Telegram's own pace is not what is looked at here.
    scene.telegram("flood", {"mode": "off"})
    services = [scene.service(f"Signals {number}") for number in range(4)]
    for service in services[:3]:
        scene.group(service)
    scene.spare_group()
    for service in services[:3]:
        scene.wait_for_group(service)
    sale = {"service_id": services[0], "customer_id": "customer-1"}
    sold = scene.call("POST", "/subscriptions", sale, "storefront")
    signal = {"service_id": services[0], "symbol": "EURUSD", "action": "buy"}
    alert = scene.call("POST", "/alerts", signal)
    return {
        "API_URL": scene.description["api_url"],
        "TRADER_TOKEN": scene.tokens["trader"],
        "STOREFRONT_TOKEN": scene.tokens["storefront"],
        "WEBHOOK_SECRET": scene.webhook_secret(),
        "LATER": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30 * 86_400)),
        "ALERT": alert["alert_id"],
        "SUBSCRIPTION": sold["id"],
        **{f"SERVICE_{number}": service for number, service in enumerate(services)},
    }


def write(state: Path, names: dict[str, str]) -> None:
    """Writes the contract and the settings with the names of this scene in them."""
    contract = CONTRACT.read_text()
    for shown, name in SHOWN.items():
        if shown not in contract:
            raise SystemExit(f"usher: {CONTRACT} does not show {shown} any more")
        contract = contract.replace(shown, names[name])
    settings_text = string.Template((HERE / "schemathesis.toml").read_text()).substitute(names)
    (state / "openapi.yaml").write_text(contract)
    (state / "schemathesis.toml").write_text(settings_text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, help="go on until so much time is over")
    parser.add_argument("--cases", type=int, help="so many for each operation and chain")
    parser.add_argument("--seed", type=int, default=1)
    arguments, more = parser.parse_known_args()
    names = {**set_scene(), "HOOKS": str(HERE / "hooks.py")}
    state = settings.read().state
    write(state, names)
    command = [str(PROGRAM), "--config-file", "schemathesis.toml", "run", "openapi.yaml"]
    command += ["--seed", str(arguments.seed)]
    if arguments.seconds:
        command += ["--max-time", str(arguments.seconds)]
    if arguments.cases:
        command += ["--max-examples", str(arguments.cases)]
    # It leaves files where it runs.
    return subprocess.call([*command, *more], cwd=state, env={**os.environ, **names})


if __name__ == "__main__":
    sys.exit(main())
