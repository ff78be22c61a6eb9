"""Who calls, under which key, and which refusals no schema can tell of beforehand."""

import itertools
import os
import re

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

TOKENS = {
    "usher/trader": os.environ["TRADER_TOKEN"],
    "usher/storefront": os.environ["STOREFRONT_TOKEN"],
}

# The key that the contract shows.
SHOWN_KEY = "order-20260301-1"

# What is wrong with values that fit each by itself: `detail` begins so in the answer.
NOT_IN_A_SCHEMA = (
    "is not a page that was handed out",
    "must lie in the future",
    "the stop is on the wrong side",
    "the target is on the wrong side",
    "means the same as",
    "contains a placeholder that was not filled in",
    "must have at most 20 digits",
    "does not go with a table",
    "stands in line",
    # The largest number, where it comes as a string.
    "must be the number of a Telegram account",
)
# How numbers are written is told in words: Python writes 0.00001 as 1e-05.
EXPONENT = re.compile(rb"[0-9]e[+-]?[0-9]")
NO_EXPONENT = ("must be a decimal number in plain digits", "must be a whole number")

numbers = itertools.count()


@schemathesis.auth(refresh_interval=None)
class Caller:
    """Each operation gets the token whose scope the contract asks for."""

    def get(self, _case, context):
        for requirement in context.operation.definition.raw.get("security", []):
            if "telegram" in requirement:
                return "X-Telegram-Bot-Api-Secret-Token", os.environ["WEBHOOK_SECRET"]
            for scope in requirement.get("bearer", []):
                return "Authorization", f"Bearer {TOKENS[scope]}"
        return None

    def set(self, case, data, _context):
        name, value = data
        case.headers[name] = value


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Most requests are new ones; every eighth repeats the key of others."""
    if case.headers.get("Idempotency-Key") == SHOWN_KEY and (number := next(numbers)) % 8:
        case.headers["Idempotency-Key"] = f"{SHOWN_KEY}-{number}"


@schemathesis.hook
def filter_failure(_context, failure, _case, response):
    """A body that fits the schema can still be refused, for reasons that the contract names."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code not in (400, 422):
        return True
    # What a line has to be is told in words.
    if response.request.headers.get("Content-Type", "").startswith("text/plain"):
        return False
    if response.status_code == 400:
        return True
    problem = response.json()
    if problem["type"] == "/problems/idempotency-key-reused":
        return False
    allowed = NOT_IN_A_SCHEMA
    if EXPONENT.search(response.request.body or b""):
        allowed += NO_EXPONENT
    return not all(fault["detail"].startswith(allowed) for fault in problem["errors"])
