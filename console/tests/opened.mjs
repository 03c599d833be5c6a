// A console that is open in a real Chromium, and what the journeys do with it.
//
// Arguments of each journey: SOCKET CHROMIUM [FOLDER-FOR-SCREENSHOTS].  The daemon is a fresh one.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [socketPath, executablePath, folder] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Another client of the daemon, over its socket; or of another daemon. */
export function call(path, body, at = socketPath) {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: at, path, method: body ? "POST" : "GET" }, (answer) => {
      let text = "";
      answer.on("data", (piece) => (text += piece));
      answer.on("end", () => resolve(JSON.parse(text)));
    });
    sent.on("error", reject);
    sent.end(body && JSON.stringify(body));
  });
}

const { url } = await call("/api/console/open", {});
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
export const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.setDefaultTimeout(10_000);

/** What the page should not have done, or met. */
export const wrong = [];
/** What was loaded so far, in bytes. */
export const loaded = { bytes: 0 };
page.on("pageerror", (error) => wrong.push(error.message));
page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
page.on("request", (asked) => asked.url().startsWith(url.split("/#")[0]) || wrong.push(`asked ${asked.url()}`));
const network = await page.context().newCDPSession(page);
await network.send("Network.enable");
network.on("Network.loadingFinished", ({ encodedDataLength }) => (loaded.bytes += encodedDataLength));
await page.goto(url);

/** Nothing serious by axe, nothing wider than the window; a picture for whoever wants to look. */
export async function looked(name) {
  const found = await page.evaluate(`${axe}; axe.run()`);
  const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  assert.deepEqual(serious.map((one) => [one.id, one.nodes.map((node) => node.html)]), [], name);
  const { width } = page.viewportSize();
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${name} is wider than ${width} px`);
  if (folder) await page.screenshot({ path: `${folder}/${name}-${width}.png`, fullPage: true });
}

export const button = (name) => page.getByRole("button", { name, exact: true });
export const link = (name) => page.getByRole("link", { name, exact: true });
export const heading = (name) => page.getByRole("heading", { name, exact: true });

/** Send the form that is open. */
export const send = (name) => page.getByRole("dialog").getByRole("button", { name, exact: true }).last().click();

/** The end: nothing went wrong on the way but what was meant to. */
export async function done() {
  await browser.close();
  console.log("the journey is done");
}
