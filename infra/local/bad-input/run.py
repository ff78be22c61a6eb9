"""Holds the running stack against infra/openapi.yaml: requests of every kind, made from the contract.

Run in a stack: `python -m stack run -- python infra/local/bad-input/run.py --seconds 600`.
It sets a scene (services with and without a group, a buyer, a guest, an alert, a chart), so that
requests reach something, and hands over to schemathesis.
"""

import argparse
import json
import os
import string
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
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
    "7e2c4b18-9a5d-4c3f-b1e0-6d7f8a9b0c1e": "PASS",
    "4a1e7c52-0d3b-5f68-9b27-c8d1e2f3a4b5": "IMPORT",
    "WyIyMDI2LTAzLTAxVDEyOjAwOjAwWiIsIngiXQ": "AUDIT_PAGE",
    "dFt6Hw48HU9qnS6KTH4bDzUAAAABq83vEjRWeJq83vEjRWeJq8": "CHART",
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

    def guest(self, service: str) -> str:
        """Somebody comes in by a pass; its id."""
        path = f"/traders/services/{service}"
        body = {"kind": "single_use", "name": "For a friend"}
        made = self.call("POST", f"{path}/telegram-group/generate-link", body)
        person = self.telegram("users", {"first_name": "Gail"})["id"]
        self.telegram("open", {"user": person, "link": made["invite_link"]})
        self._wait("the guest's pass", lambda: self._has_guest(path))
        return str(made["id"])

    def _has_guest(self, path: str) -> bool:
        return bool(self.call("GET", f"{path}/telegram-group/passes")["items"])

    def second_page(self, path: str) -> str:
        """Where the second page of a list begins."""
        found: list[str] = []

        def is_there() -> bool:
            found[:] = [self.call("GET", f"{path}?limit=1")["next"] or ""]
            return found != [""]

        self._wait(f"a second page of {path}", is_there)
        return found[0]

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
        path = f"/traders/services/{service}"
        self._wait("the group", lambda: self.call("GET", path)["telegram_group"]["status"] == "ready")

    def _wait(self, what: str, is_there: Callable[[], bool]) -> None:
        for _ in range(300):
            if is_there():
                return
            time.sleep(0.2)
        raise SystemExit(f"usher: {what} was not there within a minute")

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
    # A service of its own: whoever asks for another address ends the one before.
    charts = scene.service("Charts")
    for service in [*services[:3], charts]:
        scene.group(service)
    scene.spare_group()
    for service in [*services[:3], charts]:
        scene.wait_for_group(service)
    service = f"/traders/services/{services[0]}"
    sale = {"service_id": services[0], "customer_id": "customer-1"}
    sold = scene.call("POST", "/subscriptions", sale, "storefront")
    signal = {"service_id": services[0], "symbol": "EURUSD", "action": "buy"}
    alert, _ = (scene.call("POST", "/alerts", signal) for _ in range(2))
    chart = scene.call("POST", f"/traders/services/{charts}/tradingview-url")["url"]
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30 * 86_400))
    members = {"members": [{"email": "ann@customers.example", "ends_at": later}]}
    taken_over = scene.call("POST", f"{service}/members/import", members)
    return {
        "API_URL": scene.description["api_url"],
        "TRADER_TOKEN": scene.tokens["trader"],
        "STOREFRONT_TOKEN": scene.tokens["storefront"],
        "WEBHOOK_SECRET": scene.webhook_secret(),
        "LATER": later,
        "ALERT": alert["alert_id"],
        "SUBSCRIPTION": sold["id"],
        "PASS": scene.guest(services[0]),
        "IMPORT": taken_over["id"],
        "CHART": chart.rpartition("/")[2],
        "SERVICES_PAGE": scene.second_page("/traders/services"),
        "ALERTS_PAGE": scene.second_page(f"{service}/alerts"),
        "SUBSCRIPTIONS_PAGE": scene.second_page(f"{service}/subscriptions"),
        "AUDIT_PAGE": scene.second_page(f"{service}/audit"),
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
