"""What ministack 1.5.33 leaves undone when it deploys the template.

It ignores the OpenAPI body of an HTTP API, which is where SAM puts the routes, and the
time-to-live of a table. Both are in the processed template, so they are taken from there.
"""

import re
from typing import Any

from .aws import client
from .settings import REGION, STACK_NAME, Settings


def close(settings: Settings, physical: dict[str, str]) -> None:
    template = client(settings, "cloudformation").get_template(StackName=STACK_NAME)
    resources = template["TemplateBody"]["Resources"]
    for logical_id, resource in resources.items():
        if resource["Type"] == "AWS::DynamoDB::Table":
            _time_to_live(settings, physical[logical_id], resource["Properties"])
        elif resource["Type"] == "AWS::ApiGatewayV2::Api":
            values = {**_parameters(settings), **physical}
            _Routes(settings, physical[logical_id], values).write(resource["Properties"]["Body"])


def _time_to_live(settings: Settings, table: str, properties: dict[str, Any]) -> None:
    wanted = properties.get("TimeToLiveSpecification")
    if wanted is None:
        return
    dynamodb = client(settings, "dynamodb")
    now = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if now["TimeToLiveStatus"] != "ENABLED":
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)


def _parameters(settings: Settings) -> dict[str, str]:
    stacks = client(settings, "cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    return {p["ParameterKey"]: p["ParameterValue"] for p in stacks[0]["Parameters"]}


class _Routes:
    """Turns SAM's OpenAPI body into routes. Those that are there already are brought up to date."""

    def __init__(self, settings: Settings, api: str, values: dict[str, str]) -> None:
        self.gateway = client(settings, "apigatewayv2")
        self.api = api
        self.values = values
        """What `Ref` and `${….Arn}` stand for."""

    def write(self, body: dict[str, Any]) -> None:
        authorizers = {
            name: self._authorizer(name, scheme["x-amazon-apigateway-authorizer"])
            for name, scheme in body["components"]["securitySchemes"].items()
        }
        existing = {r["RouteKey"]: r for r in self.gateway.get_routes(ApiId=self.api)["Items"]}
        for path, methods in body["paths"].items():
            for method, operation in methods.items():
                key = f"{method.upper()} {path}"
                rights = self._rights(operation, authorizers)
                if route := existing.pop(key, None):
                    self.gateway.update_route(ApiId=self.api, RouteId=route["RouteId"], **rights)
                else:
                    target = f"integrations/{self._integration(operation)}"
                    self.gateway.create_route(ApiId=self.api, RouteKey=key, Target=target, **rights)
        for route in existing.values():
            self.gateway.delete_route(ApiId=self.api, RouteId=route["RouteId"])

    def _authorizer(self, name: str, scheme: dict[str, Any]) -> str:
        settings = {
            "AuthorizerType": "JWT",
            "IdentitySource": [scheme["identitySource"]],
            "JwtConfiguration": {
                "Issuer": self._resolve(scheme["jwtConfiguration"]["issuer"]),
                "Audience": [self._resolve(a) for a in scheme["jwtConfiguration"]["audience"]],
            },
        }
        for known in self.gateway.get_authorizers(ApiId=self.api)["Items"]:
            if known["Name"] == name:
                found = known["AuthorizerId"]
                self.gateway.update_authorizer(ApiId=self.api, AuthorizerId=found, **settings)
                return str(found)
        made = self.gateway.create_authorizer(ApiId=self.api, Name=name, **settings)
        return str(made["AuthorizerId"])

    def _rights(self, operation: dict[str, Any], authorizers: dict[str, str]) -> dict[str, Any]:
        for requirement in operation["security"]:
            for name, scopes in requirement.items():
                if name == "NONE":
                    return {"AuthorizationType": "NONE"}
                return {
                    "AuthorizationType": "JWT",
                    "AuthorizerId": authorizers[name],
                    "AuthorizationScopes": scopes,
                }
        raise ValueError("a route without a word on who may call it")

    def _integration(self, operation: dict[str, Any]) -> str:
        uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        function = re.search(r"\$\{(\w+)\.Arn\}", uri)
        if function is None:
            raise ValueError(f"an integration that names no function: {uri}")
        name = self.values[function[1]]
        made = self.gateway.create_integration(
            ApiId=self.api,
            IntegrationType="AWS_PROXY",
            IntegrationUri=f"arn:aws:lambda:{REGION}:000000000000:function:{name}",
            PayloadFormatVersion="2.0",
        )
        return str(made["IntegrationId"])

    def _resolve(self, value: str | dict[str, str]) -> str:
        return value if isinstance(value, str) else self.values[value["Ref"]]
