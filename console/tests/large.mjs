// How the console does with a daemon that has much in it: bytes, times, frames and memory, as one table.
//
//     node tests/large.mjs SOCKET CHROMIUM
//
// `python -m tests.console.large` fills a daemon, and runs this.  Nothing is asserted: a machine is not a time.

import { call, done, loaded, page } from "./opened.mjs";

const client = await page.context().newCDPSession(page);
await client.send("Performance.enable");

async function heap() {
  await client.send("HeapProfiler.collectGarbage");
  const { metrics } = await client.send("Performance.getMetrics");
  const found = Object.fromEntries(metrics.map((one) => [one.name, one.value]));
  return `${(found.JSHeapUsedSize / 1e6).toFixed(1)} MB, ${found.Nodes} nodes`;
}

/** The times between frames while a thing is scrolled, in ms. */
async function frames(selector, steps, by) {
  const times = await page.evaluate(
    async ([what, count, px]) => {
      const at = what ? document.querySelector(what) : document.scrollingElement;
      const next = () => new Promise((resolve) => requestAnimationFrame(resolve));
      let before = await next();
      const all = [];
      for (let step = 0; step < count; step++) {
        at.scrollTop += px;
        const now = await next();
        all.push(now - before);
        before = now;
      }
      return all.sort((one, other) => one - other);
    },
    [selector, steps, by],
  );
  const at = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))].toFixed(1);
  return `p50 ${at(0.5)}, p95 ${at(0.95)}, worst ${at(1)} ms a frame`;
}

async function go(hash, until) {
  const [bytes, began] = [loaded.bytes, performance.now()];
  await page.evaluate((there) => (location.hash = there), hash);
  await until();
  return `${Math.round(performance.now() - began)} ms, ${Math.round((loaded.bytes - bytes) / 1000)} kB`;
}

await page.getByRole("table").waitFor();
const shownMs = await page.evaluate(() => performance.now());
const firstBytes = loaded.bytes;
const told = [];
const tell = (what, how) => told.push([what, how]);
const { ventures } = await call("/api/ventures?limit=500");
const largest = (await Promise.all(ventures.map(async ({ id }) => [id, (await call(`/api/ventures/${id}/board`)).divisions.length]))).sort((one, other) => other[1] - one[1])[0];
const { events } = await call("/api/health");
tell("in the daemon", `${largest[1]} divisions, ${events} events`);

tell("first view", `${Math.round(shownMs)} ms, ${Math.round(firstBytes / 1000)} kB`);

tell("board", await go(`#/venture/${largest[0]}`, () => page.getByRole("row").nth(100).waitFor()));
tell("board, scrolled", await frames("", 100, 60));
tell("board, memory", await heap());
tell("found by name", await page.evaluate(async () => {
  const field = document.querySelector("input[type=search]");
  const from = performance.now();
  field.value = "77";
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return `${Math.round(performance.now() - from)} ms, ${document.querySelectorAll("tbody tr").length} rows`;
}));

const row = () => page.getByRole("button", { name: new RegExp(`^${events} `) }).waitFor();
tell("events", await go("#/events", row));
tell("events, scrolled", await frames(".events", 200, 300));
tell("events, 100 screens a second", await frames(".events", 100, 5000));
await page.evaluate(() => document.querySelector(".events").scrollTo(0, Number.MAX_SAFE_INTEGER));
const from = performance.now();
await page.getByRole("button", { name: /^1 / }).first().waitFor();
tell("events, from one end to the other", `${Math.round(performance.now() - from)} ms`);
tell("events, memory", await heap());
const searched = performance.now();
await page.getByLabel("Filter").fill("no such word at all");
await page.getByText("No event has these words").waitFor({ timeout: 120_000 });
tell("all events searched", `${Math.round(performance.now() - searched)} ms`);
tell("searched, memory", await heap());

for (const [what, how] of told) console.log(`${what.padEnd(36)}${how}`);
await done();
