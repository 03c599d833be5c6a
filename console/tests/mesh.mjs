// Two daemons become a mesh, by the console of one, in a real Chromium.
//
// The other one's socket is in OTHER_SOCKET; it shares its models.

import assert from "node:assert/strict";

import { button, call, done, link, looked, page, send, wrong } from "./opened.mjs";

const other = process.env.OTHER_SOCKET;
await link("Mesh").click();
await page.getByText("This daemon has no peers").waitFor();
await button("Begin a mesh").click();
await page.getByLabel("Realm").fill("home");
await send("Begin a mesh");

// The invitation is shown, and holds.
await button("Invite a daemon").click();
await page.getByLabel("Hosts").fill("127.0.0.1");
await send("Invite a daemon");
const shown = await page.getByRole("dialog").getByText("hecate mesh join hecate-mesh-").textContent();
await looked("invitation");
await page.keyboard.press("Escape");
const joined = await call("/api/mesh/join", { invitation: shown.split(" ").at(-1) }, other);
assert.ok(joined.ok, joined.error);
await call("/api/mesh/capabilities", { mri: "mri:capability:io.example/summarize", tags: ["text"] }, other);

// The peer comes into the picture by itself, with what it can do and the models that it shares.
const peer = page.getByRole("list", { name: /^Peers of / }).getByRole("listitem");
await peer.getByText("direct").waitFor({ timeout: 20_000 });
await peer.getByText("io.example/summarize").waitFor({ timeout: 20_000 });
await peer.getByText("llama3.2:latest").waitFor({ timeout: 60_000 });
await page.waitForFunction(() => document.querySelector(".mesh path")?.getAttribute("d")?.startsWith("M"));
await looked("mesh-wide");
await page.setViewportSize({ width: 360, height: 740 });
await looked("mesh");
assert.deepEqual(wrong, []);
await done();
