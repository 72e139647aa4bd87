// Opens a page in every width, scheme and language, and prints what a reader would meet as JSON.
//
//   node look.mjs PAGE FOLDER [axe | 1440-light-en,390-dark-zh]
//
// With "axe" it also asks axe-core at each look, else only at those that are named: it takes its time on a long page.
// Screenshots and the PDF go to FOLDER. Chromium is $CHROMIUM, else /usr/bin/chromium.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [, , file, folder, asked] = process.argv;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const offline = await browser.newContext({ offline: true });

async function opened(width, colorScheme) {
  const page = await offline.newPage();
  const errors = [];
  page.on("console", (m) => m.type() === "error" && errors.push(m.text()));
  page.on("pageerror", (e) => errors.push(String(e)));
  page.on("request", (r) => r.url().startsWith("file:") || r.url().startsWith("data:") || errors.push(r.url()));
  await page.setViewportSize({ width, height: 1000 });
  await page.emulateMedia({ colorScheme });
  await page.goto("file://" + file);
  return { page, errors };
}

async function look(width, scheme, language) {
  const { page, errors } = await opened(width, scheme);
  if (language === "zh" && (await page.locator("#ernie-language").count())) {
    await page.click("#ernie-language");
  }
  const measured = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    inner: window.innerWidth,
    paint_ms: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
    title: document.title,
    language: document.documentElement.lang,
    shown: (document.querySelector(".ernie-headline, .sheet-verdict")?.innerText || "").slice(0, 200),
  }));
  const name = `${width}-${scheme}-${language}`;
  await page.screenshot({ path: `${folder}/${name}.png` });
  const wanted = asked === "axe" || (asked || "").split(",").includes(name);
  const found = wanted ? await accessibility(page) : { violations: [] };
  const violations = found.violations.map((v) => ({
    id: v.id,
    impact: v.impact,
    count: v.nodes.length,
    first: v.nodes[0]?.html.slice(0, 200),
    why: v.nodes[0]?.failureSummary?.slice(0, 300),
  }));
  await page.close();
  return { width, scheme, language, errors, asked: wanted, violations, ...measured };
}

async function accessibility(page) {
  await page.evaluate(axe);
  return page.evaluate(() =>
    axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], resultTypes: ["violations"] }),
  );
}

async function keyboard() {
  const { page } = await opened(1440, "light");
  const seen = [];
  for (let n = 0; n < 400; n++) {
    await page.keyboard.press("Tab");
    const what = await page.evaluate(() => {
      const e = document.activeElement;
      return e.id || e.closest("details")?.id || e.tagName;
    });
    seen.push(what);
    if (what === "c1") break;
  }
  const before = await page.evaluate(() => document.activeElement.closest("details")?.open);
  await page.keyboard.press("Enter");
  const after = await page.evaluate(() => document.activeElement.closest("details")?.open);
  await page.close();
  return { language: seen.includes("ernie-language"), criterion: seen.includes("c1"), toggles: before !== after };
}

async function pdf() {
  const { page } = await opened(1440, "light");
  await page.emulateMedia({ media: "print" });
  const bytes = await page.pdf({ path: `${folder}/page.pdf`, format: "A4", preferCSSPageSize: true });
  await page.close();
  const pages = bytes.toString("latin1").match(/\/Type\s*\/Page\b(?!s)/g)?.length;
  return { bytes: bytes.length, pages };
}

const looks = [];
for (const width of [1440, 1024, 390]) {
  for (const scheme of ["light", "dark"]) {
    for (const language of ["en", "zh"]) looks.push(await look(width, scheme, language));
  }
}
console.log(JSON.stringify({ looks, keyboard: await keyboard(), pdf: await pdf() }));
await browser.close();
