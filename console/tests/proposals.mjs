// What a model proposes, and a person picks, in a real Chromium, on a real daemon whose model proposes well.

import assert from "node:assert/strict";

import { button, call, done, heading, link, looked, page, send, wrong } from "./opened.mjs";

const { id: venture } = await call("/api/ventures", { name: "shop" });
await call(`/api/ventures/${venture}/discovery/start`, {});
await link("shop").click();

// A model is asked as a job, and its proposal is on the board when it has answered.
await button("propose (discovery)").click();
await page.getByLabel("Hint").fill("small");
await send("propose");
await link("Follow the job").click();
await heading("Job: propose").waitFor();
await page.getByRole("term").filter({ hasText: "State" }).locator("..").getByText("succeeded").waitFor();
await page.goBack();
await heading("Proposals").waitFor();
await looked("proposals");
assert.equal((await call(`/api/ventures/${venture}/divisions`)).divisions.length, 0, "nothing comes of it by itself");

// What is picked is discovered, under the name that was proposed.
await button("Discover (billing)").click();
await send("Discover");
await link("discovered").click();
await heading("billing: design").waitFor();

// The same with a design.
await button("start (design)").click();
await send("start");
await button("propose (design)").click();
await send("propose");
await heading("Proposals").waitFor();
await page.getByRole("button", { name: /^Accept \(proposal of / }).click();
await send("Accept");
await page.getByRole("rowheader", { name: "account_opened" }).waitFor();
await looked("designed");
assert.deepEqual(wrong, []);
await done();
