"""A bot on python-telegram-bot with its AIORateLimiter, on a clock that the bench moves.

Lines of JSON come in and go out: see src/peer.rs.
"""

import asyncio
import json
import logging
import math
import selectors
import sys
from typing import Any

from telegram.ext import AIORateLimiter, ExtBot
from telegram.request import BaseRequest

# The limiter tells of every wait; what it does is seen at Telegram.
logging.disable(logging.CRITICAL)

# `max_retries` is 0 unless one says otherwise, and then every 429 loses its message.
MAX_RETRIES = 1_000


class Bench(selectors.SelectSelector):
    """Where the loop would wait for the network or for time, the bench is asked for both."""

    def __init__(self, first: dict[str, Any]) -> None:
        super().__init__()
        self.now: int = first["now"]
        self.until: int = first["until"]
        self.begin = self.now
        self.step = first
        self.calls: list[dict[str, Any]] = []
        self.done: list[dict[str, Any]] = []
        self.unanswered: dict[int, asyncio.Future[tuple[int, bytes]]] = {}
        self.last = 0
        self.start = None

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is not None and timeout <= 0:
            return []
        if self.start is None:
            return []
        # Whole milliseconds, rounded up: nothing happens before its time.
        wait = None if timeout is None else max(1, math.ceil(round(timeout * 1_000, 3)))
        next_at = None if wait is None else self.now + wait
        if next_at is not None and next_at <= self.until and not (self.calls or self.done):
            self.now = next_at
            return []
        told = {"now": self.now, "calls": self.calls, "done": self.done, "next": next_at}
        print(json.dumps(told), flush=True)
        self.calls, self.done = [], []
        line = sys.stdin.readline()
        if not line:
            sys.exit(0)
        self.take(json.loads(line))
        return []

    def take(self, step: dict[str, Any]) -> None:
        self.now, self.until = step["now"], step["until"]
        for answer in step["answers"]:
            future = self.unanswered.pop(answer["call"])
            future.set_result((answer["status"], json.dumps(answer["body"]).encode()))
        for work in step["work"]:
            self.start(work)


class Loop(asyncio.SelectorEventLoop):
    """An event loop on the bench's time."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.last = 0
        self.looks = 0
        super().__init__(bench)

    def time(self) -> float:
        """No clock shows the same twice; on one that did, aiolimiter's sums could miss by a hair
        for ever. So each look at it takes a tenth of a microsecond, within its millisecond."""
        if self.bench.now != self.last:
            self.last, self.looks = self.bench.now, 0
        self.looks = min(self.looks + 1, 9_000)
        return (self.bench.now - self.bench.begin) / 1_000 + self.looks * 1e-7


class Request(BaseRequest):
    """Instead of HTTP: the bench carries the call to its Telegram."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    @property
    def read_timeout(self) -> float | None:
        return None

    async def initialize(self) -> None:
        pass

    async def shutdown(self) -> None:
        pass

    async def do_request(self, url: str, method: str, request_data: Any = None, **_: Any) -> tuple[int, bytes]:
        bench = self.bench
        bench.last += 1
        args = request_data.parameters if request_data else {}
        bench.calls.append({"call": bench.last, "method": url.rsplit("/", 1)[-1], "args": args})
        future = asyncio.get_running_loop().create_future()
        bench.unanswered[bench.last] = future
        return await future


async def serve(bench: Bench) -> None:
    bot = ExtBot(
        bench.step["token"],
        request=Request(bench),
        get_updates_request=Request(bench),
        rate_limiter=AIORateLimiter(max_retries=MAX_RETRIES),
    )
    running = set()

    async def work(item: dict[str, Any]) -> None:
        try:
            if item["method"] == "unbanChatMember":
                await bot.unban_chat_member(item["chat"], item["user"])
            else:
                await bot.send_message(item["chat"], item["text"])
            bench.done.append({"work": item["work"], "ok": True})
        except Exception as error:  # noqa: BLE001
            bench.done.append({"work": item["work"], "ok": False, "why": repr(error)})

    def start(item: dict[str, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work(item))
        running.add(task)
        task.add_done_callback(running.discard)

    bench.start = start
    for item in bench.step["work"]:
        start(item)
    await asyncio.get_running_loop().create_future()


bench = Bench(json.loads(sys.stdin.readline()))
loop = Loop(bench)
asyncio.set_event_loop(loop)
loop.run_until_complete(serve(bench))
