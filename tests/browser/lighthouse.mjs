// Lighthouse on a telephone: the first page, a page with a battery, the review and the thanks, five times each. Not part of CI.
//
//   npm install --prefix /tmp/lighthouse lighthouse@12     (beside the repository: two hundred packages for one measurement)
//   cargo build --release -p pejling
//   NODE_PATH=/tmp/lighthouse/node_modules node tests/browser/lighthouse.mjs target/release/pejling
//
// Prints the median of each category and the slowest of the timings behind them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const RUNS = Number(process.env.RUNS ?? 5);
const binary = process.argv[2];
assert.ok(binary, 'say which program: node tests/browser/lighthouse.mjs target/release/pejling');
const entry = createRequire(import.meta.url).resolve('lighthouse', { paths: (process.env.NODE_PATH ?? '').split(':') });
const { default: lighthouse } = await import(pathToFileURL(entry));

const port = 9333;
const program = spawn(binary, ['demo', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] });
let url = '';
for await (const line of createInterface({ input: program.stdout })) {
  url = line.match(/listens on (\S+)/)?.[1] ?? '';
  if (url) break;
}
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: [`--remote-debugging-port=${port}`, '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
try {
  // The cookie of the receipt must reach the measured page, so both share the browser's own context.
  const client = await browser.newBrowserCDPSession();
  const page = await browser.newPage();
  await page.goto(`${url}/catcher`);
  // The first mails leave while the page is opened.
  for (let looks = 0; looks < 500 && await page.locator('main table a').count() < 4; looks += 1) await page.reload();
  const mails = await page.$$eval('main table a', (links) => links.map((a) => a.href));
  const open = [];
  for (const mail of mails) {
    if (open.length === 2) break;
    await page.goto(mail);
    const link = (await page.locator('.mail-text a[href*="/s/"]').evaluateAll((all) => all.map((a) => a.href))).find((h) => /\/s\/[a-z0-9]+$/i.test(h));
    if (!link || open.includes(link)) continue;
    await page.goto(link);
    if (await page.locator('.promises').count()) open.push(link);
  }
  const answer = async (link) => {
    await page.goto(link);
    await page.locator('main form button').first().click();
    let battery = '';
    while (!page.url().endsWith('/review')) {
      if (!battery && await page.locator('.battery').count()) battery = page.url();
      const names = await page.$$eval('#screen input[type=radio]', (all) => [...new Set(all.map((i) => i.name))]);
      for (const name of names) await page.locator(`#screen label:has(input[name="${name}"])`).first().click();
      const { pathname } = new URL(page.url());
      await page.locator('#screen button[value="next"]').click();
      await page.waitForURL((to) => to.pathname !== pathname);
    }
    return battery;
  };
  const battery = await answer(open[0]);
  await answer(open[1]);
  await page.locator('form[action$="/submit"] button').click();
  await page.waitForURL(/\/(thanks|reach)$/);
  const cookies = (await page.context().cookies()).map((c) => `${c.name}=${c.value}`).join('; ');
  const pages = { first: open[0], battery, review: `${open[0]}/review`, thanks: `${open[1]}/thanks` };
  const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
  for (const [name, address] of Object.entries(pages)) {
    const scores = { accessibility: [], performance: [], 'best-practices': [] };
    const notes = new Set();
    let bytes = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const { lhr } = await lighthouse(address, {
        port, logLevel: 'silent', onlyCategories: Object.keys(scores), formFactor: 'mobile',
        extraHeaders: name === 'thanks' ? { Cookie: cookies } : {},
      });
      assert.ok(lhr.finalDisplayedUrl.endsWith(new URL(address).pathname), `${lhr.finalDisplayedUrl} instead of ${address}`);
      for (const category of Object.keys(scores)) {
        scores[category].push(Math.round(lhr.categories[category].score * 100));
        for (const { id, weight } of lhr.categories[category].auditRefs) {
          const audit = lhr.audits[id];
          if (weight > 0 && audit.score !== null && audit.score < 0.9) notes.add(`${id} ${audit.score} ${audit.displayValue ?? ''}`);
        }
      }
      bytes = lhr.audits['total-byte-weight'].numericValue;
    }
    console.log(`${name}: ${Object.entries(scores).map(([c, all]) => `${c} ${median(all)}`).join(', ')}; ${Math.round(bytes)} bytes${notes.size ? `\n  ${[...notes].join('\n  ')}` : ''}`);
  }
  await client.detach();
} finally {
  await browser.close();
  program.kill('SIGTERM');
  await once(program, 'close');
}
