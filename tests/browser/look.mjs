// Opens a page in Chromium, runs the steps, and prints what it saw as JSON.
//
//     node look.mjs PARTS CHROMIUM STEPS
//
// STEPS is a list in JSON: {"open": URL, "width": 1280, "dark": false, "script": true}, {"wait": TEXT, "within": SELECTOR},
// {"touch": FILE}, {"fill": SELECTOR, "with": TEXT}, {"choose": SELECTOR, "value": TEXT}, {"click": SELECTOR}, {"text": SELECTOR},
// {"axe": true}, {"picture": FILE}, {"overflow": true}, {"quiet": true} (errors of the browser from here on are expected).
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [parts, executablePath, steps] = process.argv.slice(2);
const require = createRequire(`${parts}/browser/`);
const { chromium } = require("playwright-core");
const axe = require("axe-core").source;

const PATIENCE = 30_000;
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
const seen = [];
let page;
const complaints = [];
let quiet = false;
const complain = (text) => quiet || complaints.push(text);
for (const step of JSON.parse(steps)) {
  if (step.open) {
    const context = await browser.newContext({
      viewport: { width: step.width ?? 1280, height: 900 },
      colorScheme: step.dark ? "dark" : "light",
      javaScriptEnabled: step.script ?? true,
      bypassCSP: step.axe ?? false,
    });
    page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("console", (message) => message.type() === "error" && complain(message.text()));
    page.on("pageerror", (error) => complain(String(error)));
    await page.goto(step.open);
  } else if (step.quiet) {
    quiet = true;
  } else if (step.wait) {
    await page.locator(step.within, { hasText: step.wait }).first().waitFor();
    seen.push("there");
  } else if (step.touch) {
    writeFileSync(step.touch, "");
  } else if (step.fill) {
    await page.fill(step.fill, step.with);
  } else if (step.choose) {
    await page.selectOption(step.choose, step.value);
  } else if (step.click) {
    await page.locator(step.click).first().click();
    await page.waitForLoadState();
  } else if (step.text) {
    seen.push((await page.locator(step.text).first().innerText()).trim());
  } else if (step.axe) {
    await page.evaluate(axe);
    const result = await page.evaluate(() => window.axe.run());
    seen.push(result.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).slice(0, 3)}`));
  } else if (step.picture) {
    await page.screenshot({ path: step.picture, fullPage: step.whole ?? false });
  } else if (step.overflow) {
    seen.push(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth));
  }
}
await browser.close();
console.log(JSON.stringify({ seen, complaints }));
