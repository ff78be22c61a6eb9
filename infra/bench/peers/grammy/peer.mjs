// A bot on grammY with its throttler and auto-retry, as their documentation installs them, on a clock
// that the bench moves. Lines of JSON come in and go out: see src/peer.rs.

import fs from "node:fs";
import FakeTimers from "@sinonjs/fake-timers";
import { autoRetry } from "@grammyjs/auto-retry";
import { apiThrottler } from "@grammyjs/transformer-throttler";
import { Bot } from "grammy";

const others = setImmediate;
const chunk = Buffer.alloc(1 << 16);
let unread = "";

function readLine() {
  for (;;) {
    const end = unread.indexOf("\n");
    if (end >= 0) {
      const line = unread.slice(0, end);
      unread = unread.slice(end + 1);
      return JSON.parse(line);
    }
    const length = fs.readSync(0, chunk);
    if (length === 0) process.exit(0);
    unread += chunk.toString("utf8", 0, length);
  }
}

function writeLine(value) {
  const bytes = Buffer.from(JSON.stringify(value) + "\n");
  for (let at = 0; at < bytes.length;) at += fs.writeSync(1, bytes, at);
}

const first = readLine();
const clock = FakeTimers.install({
  now: first.now,
  toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"],
});

let calls = [];
let done = [];
let last = 0;
const unanswered = new Map();

// Instead of HTTP: the bench carries the call to its Telegram.
function fetch(url, options) {
  last += 1;
  calls.push({ call: last, method: url.split("/").at(-1), args: JSON.parse(options.body) });
  return new Promise((resolve) => unanswered.set(last, resolve));
}

const bot = new Bot(first.token, { client: { fetch } });
// The later one is the outer one: a repetition takes its turn again.
bot.api.config.use(apiThrottler(), autoRetry());

function start({ work, method, chat, user, text }) {
  const call = method === "unbanChatMember"
    ? bot.api.unbanChatMember(chat, user)
    : bot.api.sendMessage(chat, text);
  call.then(
    () => done.push({ work, ok: true }),
    (error) => done.push({ work, ok: false, why: String(error) }),
  );
}

const due = () => clock.timerHeap?.peek()?.callAt ?? Infinity;

for (let step = first; ; step = readLine()) {
  clock.tick(step.now - clock.now);
  for (const { call, status, body } of step.answers) {
    const answer = unanswered.get(call);
    unanswered.delete(call);
    answer({ status, ok: status === 200, json: async () => body });
  }
  step.work.forEach(start);
  // Everything that can go on without time passing does; then its own timers, until it has
  // something to tell.
  for (;;) {
    do {
      clock.tick(0);
      await new Promise((resolve) => others(resolve));
    } while (due() <= clock.now);
    if (calls.length > 0 || done.length > 0 || due() > step.until) break;
    clock.tick(due() - clock.now);
  }
  const next = due();
  writeLine({ now: clock.now, calls, done, next: Number.isFinite(next) ? next : null });
  calls = [];
  done = [];
}
