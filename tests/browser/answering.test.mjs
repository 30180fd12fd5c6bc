// Answering, every way a business may go: by keyboard alone, without JavaScript, on two devices, with words of any script, at double size;
// every page and state before the rule engine and the validator in three languages, light and dark, narrow and wide.
//
// Every page in every way takes some minutes and is done with PEJLING_TEST_FACTS=<file>, which also writes what was looked at and found, for the facts page about accessibility (crates/web/accessibility/tested.json).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import test from 'node:test';
import { HtmlValidate } from 'html-validate';
import { Inspector, browser, eavesdrop, freePort, overflow, start } from './lib.mjs';

const require = createRequire(import.meta.url);
const validator = new HtmlValidate({ extends: ['html-validate:standard'] });
const LANGUAGES = ['da', 'sv', 'en'];
const WIDTHS = [320, 360, 1280];
/** Every page, or those that the story does not meet. */
const WHOLE = Boolean(process.env.PEJLING_TEST_FACTS);
/** As many characters as a comment may have. */
const MOST = 4000;
const COMMENT = [...'Åbenhed 👩‍🔧 مرحبا שלום, '.repeat(MOST)].slice(0, MOST - 5).join('').trim() + ' slut';

/** What the runs found, by name: pages and faults. */
const runs = {};
const ran = (name, pages) => { runs[name] = { pages: (runs[name]?.pages ?? 0) + pages, faults: 0 }; };

/** The demonstration with links of so many businesses, and the addresses of its staff. */
async function house(t, wanted) {
  const port = await freePort();
  const { said, child } = await start(t, ['demo', '--listen', `127.0.0.1:${port}`], {}, /listens on/);
  const url = `http://127.0.0.1:${port}`;
  const page = await (await browser(t)).newPage();
  await page.goto(`${url}/catcher`);
  // The first mails leave while the page is opened.
  for (let looks = 0; looks < 500 && await page.locator('main table a').count() < 2 * wanted; looks += 1) await page.reload();
  const mails = await page.$$eval('main table a', (links) => links.map((a) => a.href));
  const links = [];
  for (const mail of mails) {
    if (links.length === wanted) break;
    await page.goto(mail);
    const found = await page.locator('.mail-text a[href*="/s/"]').evaluateAll((all) => all.map((a) => a.href));
    const link = found.find((href) => /\/s\/[a-z0-9]+$/i.test(href));
    if (!link || links.includes(link)) continue;
    await page.goto(link);
    // Only those who have not answered yet.
    if (await page.locator('main form[action^="/s/"] button').count() && await page.locator('.promises').count()) links.push(link);
  }
  assert.equal(links.length, wanted, 'enough businesses have not answered yet');
  const address = (label) => said.find((line) => line.trim().startsWith(label))?.match(/http:\S+/)?.[0];
  return { url, links, address, child };
}

/** The first of everything that is offered, by clicks. */
async function byClicks(page) {
  const names = await page.$$eval('#screen input[type=radio]', (all) => [...new Set(all.map((i) => i.name))]);
  for (const name of names) await page.locator(`#screen label:has(input[name="${name}"])`).first().click();
  for (const text of await page.locator('#screen textarea').all()) await text.fill(COMMENT);
  await page.locator('#screen button[value="next"]').click();
}

const focused = (page) => page.evaluate(() => {
  const e = document.activeElement;
  const ring = (x) => { const s = getComputedStyle(x); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0; };
  const box = e.getBoundingClientRect();
  return { tag: e.tagName, id: e.id, name: e.name ?? '', value: e.value ?? '', type: e.type ?? '', href: e.getAttribute('href') ?? '', skipped: e.tabIndex < 0, seen: box.width > 0 && box.height > 0, ring: ring(e) || (e.closest('label') !== null && ring(e.closest('label'))) };
});

/** Tab until something is reached; every stop on the way shows that it has the focus. */
async function tabTo(page, wanted, what) {
  for (let step = 0; step < 250; step += 1) {
    await page.keyboard.press('Tab');
    const at = await focused(page);
    if (at.tag === 'BODY') continue;
    assert.ok(at.ring, `focus is not seen on ${at.tag} ${at.name}${at.href}`);
    if (wanted(at)) return at;
  }
  assert.fail(`${what} is not reached by Tab on ${page.url()}`);
}

async function byKeys(page) {
  const met = new Set();
  await tabTo(page, (at) => {
    if (at.type === 'radio' && !met.has(at.name)) { met.add(at.name); return true; }
    return at.type === 'textarea' || (at.type === 'submit' && at.value === 'next' && !at.skipped);
  }, 'an answer');
  for (;;) {
    const at = await focused(page);
    if (at.type === 'radio') await page.keyboard.press('Space');
    else if (at.type === 'textarea') await page.keyboard.type('Uden mus.');
    else { await page.keyboard.press('Enter'); return; }
    await tabTo(page, (next) => {
      if (next.type === 'radio' && !met.has(next.name)) { met.add(next.name); return true; }
      return next.type === 'textarea' || (next.type === 'submit' && next.value === 'next' && !next.skipped);
    }, 'the next answer');
  }
}

/** Presses Enter and waits for the page that answers. */
async function sent(page) {
  const answered = page.waitForEvent('framenavigated');
  await page.keyboard.press('Enter');
  await answered;
  await page.waitForLoadState('load');
}

/** Walks from the link to the review; the screens met. */
async function toReview(page, link, answer, each = async () => {}) {
  await page.goto(link);
  await each();
  const screens = [];
  for (;;) {
    const { pathname } = new URL(page.url());
    if (pathname.endsWith('/review')) return screens;
    assert.ok(screens.length < 40, pathname);
    if (/\/s\/[^/]+$/.test(pathname)) await answer.begin(page); else { screens.push(pathname); await answer.screen(page); }
    await page.waitForURL((url) => url.pathname !== pathname);
    await page.waitForLoadState('load');
    await each();
  }
}

const clicks = { begin: (page) => page.locator('main form button').first().click(), screen: byClicks };
const keys = {
  begin: async (page) => { await tabTo(page, (at) => at.type === 'submit' && !at.skipped, 'the beginning'); await page.keyboard.press('Enter'); },
  screen: byKeys,
};

test('answering, every way', { timeout: WHOLE ? 3_600_000 : 900_000 }, async (t) => {
  const { url, links, address, child } = await house(t, WHOLE ? 6 : 5);
  const inspector = new Inspector();
  t.after(() => { for (const fault of inspector.report()) t.diagnostic(fault); });
  const open = async (options = {}) => {
    const page = await (await browser(t, { locale: 'da-DK', ...options })).newPage();
    eavesdrop(page, inspector.faults);
    return page;
  };
  const token = (n) => new URL(links[n]).pathname;

  // 1 Without JavaScript, from the link through the thanks to the answers as a file, corrected on another device, taken back.
  const plain = await open({ javaScriptEnabled: false });
  const screens = await toReview(plain, links[0], clicks);
  await plain.locator('form[action$="/submit"] button').click();
  await plain.waitForURL(/\/(thanks|reach)$/);
  if (plain.url().endsWith('/reach')) await plain.goto(`${url}${token(0)}/thanks`);
  const code = await plain.locator('.reference').innerText();
  const words = await plain.context().request.get(`${url}${token(0)}/answers.txt`);
  assert.match(words.headers()['content-disposition'], /attachment; filename="hojager-/);
  assert.ok((await words.text()).includes('👩‍🔧 مرحبا שלום'), 'words of any script come back whole');
  const other = await open({ javaScriptEnabled: false });
  await other.goto(links[0]);
  await other.locator('main a[href$="/code"]').click();
  await other.fill('#reference', code.toLowerCase().replace('-', ' '));
  await other.locator('main form button').first().click();
  assert.equal(await other.locator('.reference').innerText(), code);
  await other.goto(`${url}${screens[0]}`);
  const text = other.locator('#screen textarea').first();
  assert.equal(await text.inputValue(), COMMENT);
  await text.fill('Rettet på en anden enhed.');
  await other.locator('#screen button[value="next"]').click();
  await other.goto(`${url}${token(0)}/review`);
  assert.match(await other.locator('main').innerText(), /Rettet på en anden enhed\./);
  // Double click, reload, the link again: the same thanks.
  await plain.goto(`${url}${token(0)}/thanks`);
  await plain.reload();
  assert.equal(await plain.locator('.reference').innerText(), code);
  await plain.emulateMedia({ media: 'print' });
  assert.ok(await plain.locator('.reference').isVisible(), 'the receipt prints');
  assert.ok(!(await plain.locator('.site-footer').isVisible()) && !(await plain.locator('main .button').first().isVisible()), 'nothing to press on paper');
  await plain.emulateMedia({ media: 'screen' });
  ran('noscript', screens.length + 4);

  // 2 By keyboard alone: the questionnaire, review, thanks, taking the answer back.
  const hand = await open();
  const walked = await toReview(hand, links[1], keys);
  await tabTo(hand, (at) => at.type === 'submit' && !at.skipped, 'sending');
  await hand.keyboard.press('Enter');
  await hand.waitForURL(/\/(thanks|reach)$/);
  if (hand.url().endsWith('/reach')) {
    await tabTo(hand, (at) => /\/thanks$/.test(at.href), 'the way past');
    await hand.keyboard.press('Enter');
    await hand.waitForURL(/\/thanks$/);
  }
  const receipt = await hand.locator('.reference').innerText();
  await tabTo(hand, (at) => /\/withdraw$/.test(at.href), 'taking back');
  await hand.keyboard.press('Enter');
  await hand.waitForURL(/\/withdraw$/);
  await tabTo(hand, (at) => at.type === 'text', 'the code');
  await hand.keyboard.type(receipt);
  await tabTo(hand, (at) => at.type === 'submit' && !at.skipped, 'the button');
  await sent(hand);
  await hand.goto(links[1]);
  assert.equal(await hand.locator('.reference').count(), 0, 'the answer is gone');
  // Opting out and passing on, by keyboard as well.
  await hand.goto(`${url}${token(2)}/stop`);
  await tabTo(hand, (at) => at.type === 'radio', 'how far');
  await hand.keyboard.press('Space');
  await tabTo(hand, (at) => at.type === 'submit' && !at.skipped, 'the button');
  await sent(hand);
  await hand.goto(links[2]);
  assert.equal(await hand.locator('.promises').count(), 0, 'who said no is not asked again by the same page');
  await hand.goto(`${url}${token(3)}/pass-on`);
  await tabTo(hand, (at) => at.type === 'email', 'the colleague');
  await hand.keyboard.type('kollega@firma.example');
  await tabTo(hand, (at) => at.type === 'submit' && !at.skipped, 'the button');
  await sent(hand);
  await hand.goto(links[3]);
  assert.match(await hand.locator('main').innerText(), /givet videre|sendt videre/i);
  ran('keys', walked.length + 6);

  // 3 Two devices: what is given is seen to be saved; what the other one says is shown, not overwritten.
  const desk = await open();
  await toReview(desk, links[4], { begin: clicks.begin, screen: async (page) => { await page.locator('#screen button[value="next"]').click(); } });
  const phone = await open();
  for (const page of [desk, phone]) await page.goto(`${url}${screens[0].replace(/^\/s\/[^/]+/, token(4))}`);
  const name = await desk.locator('#screen input[type=radio]').first().getAttribute('name');
  await desk.locator(`#screen label:has(input[name="${name}"])`).nth(0).click();
  await desk.locator('.saved-note.ok').waitFor();
  assert.match(await desk.locator('.saved-note').innerText(), /Gemt/);
  await phone.locator(`#screen label:has(input[name="${name}"])`).nth(2).click();
  await phone.locator('.saved-note.failed').waitFor();
  await phone.locator('#screen button[value="next"]').click();
  await phone.locator('.other-device').first().waitFor();
  await inspector.look(phone, 'conflict');

  // 4 Faults and long texts, at 320 px and with letters twice their size.
  await desk.locator('#screen textarea').first().fill('ø'.repeat(MOST + 1));
  await desk.locator('#screen button[value="next"]').click();
  await desk.locator('#faults').waitFor();
  await inspector.look(desk, 'fault');
  ran('tests', await form(desk, inspector));
  let doubled = 0;
  for (const path of ['', '/review', ...screens.map((s) => s.replace(/^\/s\/[^/]+/, ''))]) {
    await desk.goto(`${url}${token(4)}${path}`);
    await desk.setViewportSize({ width: 320, height: 640 });
    assert.deepEqual(await overflow(desk), [], `${path} at 320 px`);
    await desk.setViewportSize({ width: 1280, height: 900 });
    await desk.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
    assert.deepEqual(await overflow(desk), [], `${path} at double size`);
    doubled += 1;
  }
  ran('zoom', doubled);

  // 5 Every page and state before the engine and the validator.
  await everyWay(url, [`${token(4)}/pass-on`], desk, inspector);
  if (WHOLE) {
    const answered = await open();
    await toReview(answered, links[5], clicks);
    await everyWay(url, ['', '/review', '/stop', ...screens.map((s) => s.replace(/^\/s\/[^/]+/, ''))].map((path) => token(5) + path), answered, inspector);
    await answered.goto(`${url}${token(5)}/review?lang=da`);
    await answered.locator('form[action$="/submit"] button').click();
    await answered.waitForURL(/\/(thanks|reach)$/);
    await everyWay(url, ['thanks', 'reach', 'withdraw', 'code'].map((path) => `${token(5)}/${path}`), answered, inspector, 'sent');
  }
  const stranger = await open();
  const elsewhere = [token(0), `${token(0)}/code`, token(1), '/hojager/privacy', '/hojager/sign-in', '/'];
  await everyWay(url, [token(2), token(3), '/s/abcdefghijkmnpqrstuvwxyz23', '/hojager/accessibility', ...(WHOLE ? elsewhere : [])], stranger, inspector, 'stranger');

  // The staff's part: settings, quality, the call list and a call.
  const staff = await open();
  await staff.goto(address('The administrator'));
  await staff.locator('main form button').click();
  await staff.waitForURL(/\/console$/);
  const round = await staff.locator('a[href*="/console/rounds/"]').first().getAttribute('href');
  await staff.goto(`${url}/hojager/calls`);
  const call = await staff.locator('main table a[href*="/calls/"], main a[href*="/calls/"]').first().getAttribute('href');
  await everyWay(url, ['/hojager/console/settings', `${round}/quality`, call, ...(WHOLE ? ['/hojager/console', round, '/hojager/calls'] : [])], staff, inspector, 'staff');
  await staff.goto(`${url}/hojager/console/settings?lang=da`);
  await staff.fill('#contact_email', 'ingen adresse');
  await staff.locator('#threshold').fill('3');
  await staff.locator('main form button[type=submit]').first().click();
  await staff.locator('#faults').waitFor();
  await inspector.look(staff, 'faults');
  if (WHOLE) ran('theme', await colours(staff, stranger, url, links[0]));

  if (WHOLE) {
    await interview(staff, url, call, inspector);
    await rare(desk, url + token(4), child, inspector);
    await afterwards(staff, stranger, { url, round, unanswered: links[4], answered: links[0] }, inspector);
  }

  assert.deepEqual(inspector.report(), []);
  facts(inspector);
});

/** Looks at each page at all widths: in three languages, light and dark; of the shorter run Danish by night, and staff's pages in Danish by day. */
async function everyWay(url, paths, page, inspector, note = '') {
  for (const path of paths) {
    for (const language of WHOLE || note !== 'staff' ? LANGUAGES : ['da']) {
      await page.setViewportSize({ width: 360, height: 780 });
      await page.goto(`${url}${path}${path.includes('?') ? '&' : '?'}lang=${language}`);
      for (const colorScheme of WHOLE || (language === 'da' && note !== 'staff') ? ['light', 'dark'] : ['light']) {
        await page.emulateMedia({ colorScheme });
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 780 });
          // At 320 px the width is what matters; the engine has seen the page at 360.
          await inspector.look(page, `${language} ${colorScheme} ${note}`, width === 360 || (WHOLE && width === 1280));
        }
      }
    }
    await page.emulateMedia({ colorScheme: 'light' });
  }
}

/** The telephone: consent forgotten, then the questionnaire on a business's behalf, and an outcome that was not chosen. */
async function interview(staff, url, call, inspector) {
  await staff.goto(`${url}${call}?lang=da`);
  await staff.locator('form[action$="/begin"] button').click();
  await staff.locator('#read-fault').waitFor();
  await inspector.look(staff, 'not read out');
  await staff.locator('form[action$="/outcome"] button').first().click();
  await staff.locator('#outcome-fault').waitFor();
  await inspector.look(staff, 'no outcome');
  await staff.locator('input[name="read"]').check();
  await staff.locator('form[action$="/begin"] button').click();
  await staff.locator('#screen').waitFor();
  await everyWay(url, [new URL(staff.url()).pathname], staff, inspector, 'staff');
}

/** Does what sends a form, and gives the page that answers as the server wrote it. */
async function answerTo(page, send) {
  const answer = page.waitForResponse((response) => response.request().method() === 'POST', { timeout: 60_000 });
  const shown = page.waitForEvent('framenavigated', { timeout: 60_000 });
  await send();
  await shown;
  await page.waitForLoadState('load');
  return (await answer).text();
}

/** States that hardly anybody meets: what cannot be read, a page that is not asked any more, a database that takes nothing. */
async function rare(page, link, child, inspector) {
  for (const [note, change] of [
    ['not a form', () => { const form = document.getElementById('screen'); form.enctype = 'text/plain'; HTMLFormElement.prototype.submit.call(form); }],
    ['too large', () => { const form = document.getElementById('screen'); form.querySelector('textarea').value = 'x'.repeat(400_000); HTMLFormElement.prototype.submit.call(form); }],
    ['not asked', () => { const form = document.getElementById('screen'); form.action = form.action.replace(/[^/]+$/, 'gone'); form.querySelector('textarea').value = 'Det, der ikke må gå tabt.'; HTMLFormElement.prototype.submit.call(form); }],
  ]) {
    for (const language of LANGUAGES) {
      await page.goto(`${link}/overall?lang=${language}`);
      const html = await answerTo(page, () => page.evaluate(change));
      await bothWays(page, inspector, `${note} ${language}`, html);
    }
  }
  // Somebody else holds the database for longer than anybody waits.
  const holder = hold(child);
  await holder.held;
  for (const language of LANGUAGES) {
    await page.goto(`${link}/overall?lang=${language}`);
    await page.locator('#screen textarea').first().fill('Det, der ikke må gå tabt, selv om databasen er væk.');
    const html = await answerTo(page, () => page.locator('#screen button[value="next"]').click({ noWaitAfter: true }));
    await bothWays(page, inspector, `rescue ${language}`, html);
  }
  await holder.release();
  // The browser remarks on the answer that was wanted here.
  inspector.faults = inspector.faults.filter((fault) => !/status of 503/.test(fault));
  const answered = page.waitForEvent('framenavigated');
  await page.locator('main form button').first().click();
  await answered;
  await page.goto(`${link}/overall`);
  assert.match(await page.locator('#screen textarea').first().inputValue(), /selv om databasen er væk/);
}

/** Takes the write lock of the program's SQLite database. */
function hold(child) {
  const file = readdirSync(`/proc/${child.pid}/fd`).map((fd) => { try { return readlinkSync(`/proc/${child.pid}/fd/${fd}`); } catch { return ''; } }).find((path) => /\.(sqlite|db)$/.test(path));
  assert.ok(file, 'the demonstration keeps a file');
  const python = spawn('/usr/bin/python3', ['-c', 'import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],timeout=30,isolation_level=None)\nc.execute("begin immediate")\nprint("held",flush=True)\nsys.stdin.read()\nc.execute("rollback")', file], { stdio: ['pipe', 'pipe', 'inherit'] });
  return { held: once(python.stdout, 'data'), release: async () => { python.stdin.end(); await once(python, 'close'); } };
}

/** A page that cannot be asked for again: light and dark, at both widths. */
async function bothWays(page, inspector, note, html) {
  const report = await validator.validateString(html);
  for (const message of report.results.flatMap((r) => r.messages)) inspector.faults.push(`${note}: HTML ${message.ruleId}: ${message.message} (line ${message.line})`);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 780 });
      await inspector.look(page, `${note} ${colorScheme}`, width !== 320);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Behind the links of a closed round, and of a published one. */
async function afterwards(staff, page, { url, round, unanswered, answered }, inspector) {
  await staff.goto(`${url}${round}/close?lang=da`);
  await staff.locator('main form button').first().click();
  await staff.waitForLoadState('load');
  const pages = [unanswered, answered].map((link) => new URL(link).pathname);
  await everyWay(url, pages, page, inspector, 'closed');
  await staff.goto(`${url}/hojager/console/publications`);
  await staff.locator('input[name="sure"]').check();
  await staff.locator('main form:has(input[name="sure"]) button').first().click();
  await staff.waitForLoadState('load');
  for (let looks = 0; looks < 2000 && !/Det sagde/.test(await page.locator('main').innerText()); looks += 1) await page.goto(`${answered}?lang=da`);
  await everyWay(url, pages, page, inspector, 'published');
}

/** What a form says and how it is pressed: the page is one with a comment that is too long. The number of checks. */
async function form(page, inspector) {
  // The summary has the focus, names the field in words and leads to it; the field says what is wrong and what would be right.
  assert.equal(await page.evaluate(() => document.activeElement.id), 'faults');
  const field = page.locator('#screen textarea').first();
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  const said = await field.evaluate((e) => e.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' '));
  assert.match(said, /4\.000 tegn/);
  await page.locator('#faults a').first().click();
  assert.ok(await field.evaluate((e) => document.activeElement === e || e.closest(':target') !== null || location.hash !== ''));
  // What the script says of saving is a message that takes no focus.
  assert.equal(await page.locator('.saved-note').getAttribute('role'), 'status');
  // A finger that slides off chooses nothing.
  const label = page.locator('#screen label:has(input[type=radio])').nth(1);
  await label.scrollIntoViewIfNeeded();
  const box = await label.boundingBox();
  const before = await label.locator('input').isChecked();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(2, 2);
  await page.mouse.up();
  assert.equal(await label.locator('input').isChecked(), before);
  await inspector.look(page, 'fault, again');
  return 5;
}

const luminance = (hex) => {
  const [r, g, b] = hex.trim().match(/^#(..)(..)(..)$/).slice(1).map((part) => parseInt(part, 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};

/** What is not text and must be seen, with colours that a municipality might choose, by day and by night. The number of colours. */
async function colours(staff, page, url, link) {
  const chosen = ['#1d4f7c', '#ffd400', '#e30613', '#00a0e0', '#f4f4f4', '#101010', '#6b8e23', '#b5179e'];
  for (const colour of chosen) {
    await staff.goto(`${url}/hojager/console/settings`);
    await staff.locator('#colour').fill(colour);
    await staff.locator('main form button[type=submit]').first().click();
    await staff.waitForURL(/saved=1/);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.goto(link);
      const value = await page.evaluate(() => Object.fromEntries(['control', 'focus', 'brand', 'card', 'paper', 'brand-soft'].map((name) => [name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)])));
      for (const [seen, ground] of [['control', 'card'], ['control', 'paper'], ['focus', 'card'], ['focus', 'paper'], ['brand', 'card'], ['brand', 'paper'], ['brand', 'brand-soft']]) {
        const ratio = contrast(value[seen], value[ground]);
        assert.ok(ratio >= 3, `${colour} ${colorScheme}: ${seen} on ${ground} is ${ratio.toFixed(2)} : 1`);
      }
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  return chosen.length;
}

/** Writes what was looked at, where it is asked for. */
function facts(inspector) {
  const file = process.env.PEJLING_TEST_FACTS;
  if (!file) return;
  const version = (name) => require(`${name}/package.json`).version;
  const cargo = readFileSync(new URL('../../Cargo.toml', import.meta.url), 'utf8');
  const { criteria, pages, states, widths, chromium } = inspector.account();
  const written = {
    version: cargo.match(/\[workspace\.package\][^[]*?version = "([^"]+)"/)[1],
    date: new Date().toISOString().slice(0, 10),
    axe: version('axe-core'), validator: version('html-validate'), browser: chromium,
    pages, states, languages: LANGUAGES, widths: WIDTHS,
    criteria, runs: { ...runs, html: { pages: states, faults: 0 }, narrow: { pages: widths, faults: 0 } },
  };
  writeFileSync(file, `${JSON.stringify(written, null, 1)}\n`);
}
