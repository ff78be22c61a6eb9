"""Clients of the emulator, with the credentials of its root account."""

from typing import Any

import boto3
from botocore.config import Config

from .settings import REGION, Settings

# What the emulator takes for the root user. Functions get the keys of their own roles.
ROOT_KEY = "test"


def client(settings: Settings, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=settings.aws_endpoint,
        region_name=REGION,
        aws_access_key_id=ROOT_KEY,
        aws_secret_access_key=ROOT_KEY,
        config=Config(
            retries={"total_max_attempts": 1},
            read_timeout=310,
            s3={"addressing_style": "path"},
        ),
    )
