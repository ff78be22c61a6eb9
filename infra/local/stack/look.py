"""Everything that stands in the tables and waits in the queues, for tests and for people."""

from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from .aws import client
from .describe import Description
from .settings import Settings


def look(settings: Settings, description: Description) -> dict[str, Any]:
    tables = description["tables"]
    return {
        "tables": {name: _items(settings, table) for name, table in tables.items()},
        "queues": {name: _waiting(settings, url) for name, url in description["queues"].items()},
    }


def plain(value: Any) -> int | float:
    """A number of DynamoDB as JSON has it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} does not stand in a table of Usher")


def _items(settings: Settings, table: str) -> list[dict[str, Any]]:
    read = TypeDeserializer()
    pages = client(settings, "dynamodb").get_paginator("scan").paginate(
        TableName=table, ConsistentRead=True
    )
    return [
        {name: read.deserialize(value) for name, value in item.items()}
        for page in pages
        for item in page["Items"]
    ]


def _waiting(settings: Settings, url: str) -> int:
    """How many messages are in the queue, whether they can be seen at the moment or not."""
    wanted = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    sqs = client(settings, "sqs")
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)
    return sum(int(answer["Attributes"].get(name, 0)) for name in wanted)
