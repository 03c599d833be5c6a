// What a person does in the console, in a real Chromium, on a real daemon.
//
// The daemon has a provider.  Whatever is not as it should be ends it with an error.

import assert from "node:assert/strict";

import { button, call, done, heading, link, loaded, looked, page, send, wrong } from "./opened.mjs";

const FIRST_VIEW_BYTES = 150_000;

await heading("Ventures").waitFor();
assert.equal(new URL(page.url()).hash, "#/", "the ticket is out of the address");
assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1", "the page's name has the focus");
assert.deepEqual(await page.context().cookies(), []);
assert.ok(loaded.bytes < FIRST_VIEW_BYTES, `the first view takes ${loaded.bytes} bytes`);
await page.getByText("There is no venture yet").waitFor();
await looked("empty");

// A form that is made of the API's description; the page goes to what it has made.
await button("Set up a venture").click();
await page.getByLabel("Name").fill("shop");
await send("Set up a venture");
await heading("shop").waitFor();
await page.getByText("No division is discovered yet").waitFor();
await button("start (discovery)").click();
await send("start");
await button("discover (discovery)").waitFor();

// What others do is seen without a reload.
const venture = (await call("/api/ventures")).ventures[0].id;
await call(`/api/ventures/${venture}/discovery/discover`, { division_name: "auth" });
await link("auth").waitFor();
await call(`/api/ventures/${venture}/discovery/discover`, { division_name: "billing" });
await link("billing").waitFor();
await page.getByLabel("Find").fill("auth");
await link("billing").waitFor({ state: "detached" });
await looked("board");
await page.getByLabel("Find").fill("");

// An error says what happened, and the form stays.
await button("discover (discovery)").click();
await page.getByLabel("Division name").fill("auth");
await page.getByLabel("Description").fill("another one");
await send("discover");
await page.getByRole("dialog").getByRole("alert").waitFor();
await looked("form");
await page.keyboard.press("Escape");
await page.getByRole("dialog").waitFor({ state: "detached" });
// The focus is where it was.
await page.waitForFunction(() => document.activeElement?.textContent.startsWith("discover"));

// A division, by keyboard.
await link("auth").focus();
await page.keyboard.press("Enter");
await heading("auth: design").waitFor();
const division = page.url().split("/").pop();
const command = (path, body = {}) => call(`/api/divisions/${division}/${path}`, body);
await command("design/start");
await command("design/aggregate", { aggregate_name: "user" });
await command("design/event", { event_name: "user_registered", aggregate_name: "user" });
await page.getByRole("rowheader", { name: "user_registered" }).waitFor();
await looked("design");
await command("plan/start");
await command("plan/desk", { desk_name: "register_user", desk_type: "command" });
await command("plan/desk", { desk_name: "show_profile", desk_type: "query" });
await link("plan").click();
await button("dependency (plan)").click();
// What there is already is offered.
await page.locator("datalist option[value=show_profile]").first().waitFor({ state: "attached" });
await page.keyboard.press("Escape");
await page.getByRole("dialog").waitFor({ state: "detached" });
await command("plan/dependency", { from_desk: "show_profile", to_desk: "register_user" });
await page.getByRole("img", { name: "2 desks, 1 dependencies" }).waitFor();
await looked("plan");

// What cannot be undone wants to be said twice.
await button("archive (plan)").click();
await send("archive");
assert.notEqual((await call(`/api/divisions/${division}`)).division.processes.plan_division.state, "archived");
await page.getByLabel("I know that this cannot be undone").check();
await send("archive");
await page.getByRole("region", { name: "The process plan" }).getByText("archived").waitFor();

// A job, followed while it writes, and cancelled.
await command("test/start");
const script = "import time\nfor n in range(1000): print('line', n, flush=True); time.sleep(0.05)";
const { job_id } = await command("test/suite", { suite_type: "unit", command: ["python3", "-c", script] });
await link("Jobs").click();
await page.getByRole("link", { name: /^suite/ }).click();
await page.getByText("line 3").waitFor();
await looked("job");
await button("Cancel the job").click();
await send("Cancel the job");
await page.getByRole("term").filter({ hasText: "State" }).locator("..").getByText("cancelled").waitFor();
assert.equal((await call(`/api/jobs/${job_id}`)).job.state, "cancelled");

// Monitoring, with a plot; an incident, closed.
await command("monitor/start");
await command("monitor/check", { name: "true", type: "command", target: "true", interval_seconds: 1 });
await command("monitor/incident", { title: "login slow", severity: "sev2" });
await page.evaluate((id) => (location.hash = `#/division/${id}/monitor`), division);
await page.getByRole("img", { name: /^Latency of true: / }).waitFor({ timeout: 20_000 });
await looked("monitor");
await button("Close (login slow)").click();
await page.getByLabel("I know that this cannot be undone").check();
await send("Close");
await page.getByText("Nothing is wrong that anybody knows of.").waitFor();

// A run of tests with a failure.
const report = `<testsuite><testcase name="pays"/><testcase name="refunds"><failure message="1990 is not 1999"/></testcase></testsuite>`;
await command("test/suite?wait=true", { suite_type: "unit", command: ["sh", "-c", `echo '${report}' > $HECATE_JUNIT_XML; exit 1`] });
await link("test").click();
await page.getByText("1990 is not 1999").waitFor();
await looked("test");

// Generated files with their diffs, and releases with the way back.
await link("generate").click();
await page.getByText("Nothing is generated yet").waitFor();
await looked("generate-nothing");
await command("generate/start");
await command("generate/skeleton?wait=true");
await page.locator("summary", { hasText: "auth/src/auth/aggregates/user.py new" }).click();
await page.getByRole("region", { name: "Changes of auth/src/auth/aggregates/user.py" }).getByText('+AGGREGATE = "user"').waitFor();
await looked("generate");
await command("deploy/start");
for (const version of ["0.1.0", "0.2.0"]) await command("deploy/release?wait=true", { version });
await link("deploy").click();
await button("Roll back (0.1.0)").click();
await send("Roll back");
await page.getByRole("row", { name: /^0.1.0 release local/ }).getByText("live").waitFor();
await looked("deploy");
await link("rescue").click();
await page.getByText("Nothing was diagnosed yet").waitFor();
await looked("rescue");

// The timeline: filtered, and as a way back in time.
await link("timeline").click();
await page.getByLabel("Filter").fill("login slow");
// Raised, and closed.
await page.getByText(/^2 of \d+ loaded$/).waitFor();
await looked("timeline");
await page.getByLabel("Filter").fill("aggregate");
await page.getByRole("link", { name: /^As it was after event / }).click();
await page.getByRole("region", { name: "The moment that is shown" }).getByText("aggregate 'user' designed").waitFor();
await page.getByRole("rowheader", { name: "user" }).waitFor();
await page.getByText("No event is designed yet").waitFor();
assert.equal(await button("archive (design)").count(), 0, "the past takes no commands");
await looked("past");
await link("Later").click();
await page.getByRole("rowheader", { name: "user_registered" }).waitFor();
await link("Back to now").click();
await button("archive (design)").waitFor();

// The raw stream, with a filter.
await link("Events").click();
await page.getByRole("button", { name: /user_registered/ }).click();
await page.getByRole("region", { name: /^Event \d+/ }).waitFor();
await page.getByLabel("Filter").fill("desk_inventoried profile");
await page.getByText(/^1 found, (\d+) of \1 looked through$/).waitFor();
await looked("events");
await page.getByLabel("Filter").fill("");
await page.getByRole("button", { name: /venture_setup_v1/ }).click();
await page.keyboard.press("ArrowUp");
await page.getByRole("region", { name: "Event 2", exact: true }).waitFor();

// Two models, or one twice, side by side.
await link("Models").click();
await page.getByLabel("beside").selectOption({ index: 1 });
await page.getByLabel("Question").fill("Hello!");
await page.keyboard.press("Control+Enter");
await page.getByText("Hello! How can I help you today?").nth(1).waitFor();
assert.equal(await page.getByText("15 in, 8 out").count(), 2);
await page.getByRole("table", { name: "Usage by day" }).waitFor();
await looked("models");
await link("Mesh").click();
await page.getByText("This daemon has no peers").waitFor();
await looked("mesh");

// A telephone, in the dark.
await page.emulateMedia({ colorScheme: "dark" });
await page.setViewportSize({ width: 360, height: 740 });
for (const [name, hash] of Object.entries({ board: `#/venture/${venture}`, jobs: "#/jobs", events: "#/events", monitor: `#/division/${division}/monitor`, models: "#/models" })) {
  await page.evaluate((there) => (location.hash = there), hash);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
  await looked(name);
}

assert.deepEqual(wrong.filter((text) => !text.includes("409")), []);

// A reload ends the session, and says what to do.
await page.reload();
await heading("Open the console again").waitFor();
await looked("ended");
await done();
