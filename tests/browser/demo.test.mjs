// The demonstration as somebody meets it who has just started it: the printed addresses, a caught invitation answered, each role's pages.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Inspector, browser, eavesdrop, freePort, start } from './lib.mjs';

const first = async (page) => {
  for (const group of await page.$$eval('#screen fieldset', (sets) => [...new Set(sets.flatMap((s) => [...s.querySelectorAll('input[type=radio]')].slice(0, 1).map((i) => i.name)))])) {
    await page.locator(`#screen label:has(input[name="${group}"])`).first().click();
  }
  await page.locator('#screen button[value="next"]').click();
};

test('the demonstration', { timeout: 600_000 }, async (t) => {
  const port = await freePort();
  const { said } = await start(t, ['demo', '--listen', `127.0.0.1:${port}`], {}, /listens on/);
  const address = (label) => said.find((line) => line.trim().startsWith(label))?.match(/http:\S+/)?.[0];
  const inspector = new Inspector();
  t.after(() => { for (const fault of inspector.report()) t.diagnostic(fault); });
  const visitor = async () => {
    const page = await (await browser(t, { locale: 'da-DK' })).newPage();
    eavesdrop(page, inspector.faults);
    return page;
  };

  // A business takes its invitation out of the catcher and answers it to the end.
  const business = await visitor();
  await business.goto(address('A business'));
  await inspector.look(business);
  // The first mails leave while the page is opened.
  for (let looks = 0; looks < 200 && !(await business.locator('main table a').count()); looks += 1) await business.reload();
  await business.locator('main table a').first().click();
  await business.waitForURL(/\/catcher\/.+/);
  await inspector.look(business);
  await business.locator('.mail-text a[href*="/s/"]').first().click();
  await business.waitForURL(/\/s\/[A-Za-z0-9]+/);
  await inspector.look(business);
  await business.locator('main form button').first().click();
  for (let screens = 0; ; screens += 1) {
    await business.waitForLoadState('load');
    const { pathname } = new URL(business.url());
    await inspector.look(business);
    if (pathname.endsWith('/review')) break;
    assert.ok(screens < 40, pathname);
    await first(business);
    await business.waitForURL((url) => url.pathname !== pathname);
  }
  await business.locator('form[action$="/submit"] button').click();
  await business.waitForURL(/\/(thanks|reach)$/);
  await inspector.look(business);
  if (business.url().endsWith('/reach')) await business.goto(business.url().replace(/reach$/, 'thanks'));
  assert.equal(await business.locator('.reference').count(), 1);

  // Each role comes in by its printed link, and sees what is its own.
  const landings = { 'The analyst': /\/console$/, 'The committee': /\/committee/, 'An interviewer': /./, 'The administrator': /\/console$/ };
  for (const [label, landing] of Object.entries(landings)) {
    const page = await visitor();
    await page.goto(address(label));
    await page.locator('main form button').click();
    await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
    assert.match(new URL(page.url()).pathname, landing, label);
    await inspector.look(page);
    // Every page that the role's navigation offers opens, also at 360 px.
    const hrefs = await page.$$eval('.site-nav a', (links) => links.map((a) => a.href));
    assert.ok(hrefs.length > 0, label);
    for (const href of hrefs) {
      const answer = await page.goto(href);
      assert.equal(answer.status(), 200, `${label}: ${href}`);
      await inspector.look(page);
    }
  }

  // The committee's page tells the year: figures with their uncertainty, a trend, changes.
  const member = await visitor();
  await member.goto(`http://127.0.0.1:${port}/hojager/sign-in`);
  await inspector.look(member);
  await member.locator('button', { hasText: 'Ulla Udvalg' }).click();
  await member.waitForURL(/committee/);
  assert.match(await member.locator('main').innerText(), /±/);
  assert.ok(await member.locator('figure.chart svg').count() >= 2, 'charts');
  const indicators = await member.$$eval('main table a[href*="indicator="]', (links) => links.map((a) => a.href));
  assert.ok(indicators.length > 20, `${indicators.length} indicators`);
  for (const [place, href] of indicators.entries()) {
    const answer = await member.goto(href);
    assert.equal(answer.status(), 200, href);
    // The pages are of one make: the rule engine takes every tenth, the width is measured on all.
    await inspector.look(member, new URL(href).search, place % 10 === 0);
  }
  assert.deepEqual(inspector.report(), []);
});
