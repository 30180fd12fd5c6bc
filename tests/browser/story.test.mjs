// The whole year in a real browser at 360 px, from an empty database: extract in, round opened, mail received, questions answered, reminded, closed, published, figures read.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Inspector, browser, eavesdrop, emptyDatabase, extract, folder, freePort, mailServer, plainText, setUp, start } from './lib.mjs';

const SLUG = 'hoejager';
const INDEX = ['nki_satisfaction', 'nki_expectations', 'nki_ideal'];
const LANGUAGES = ['da', 'sv', 'en'];

/** An empty database (PostgreSQL where tests/run gives one) and a running program that sends through a real SMTP server; no command but `serve`. */
async function house(t) {
  const data = folder(t);
  const mail = await mailServer(t);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const database = await emptyDatabase(t);
  writeFileSync(join(data, 'secret.key'), randomBytes(32).toString('hex'));
  const environment = {
    PEJLING_DATA_DIR: join(data, 'data'), PEJLING_LISTEN: `127.0.0.1:${port}`, PEJLING_PUBLIC_URL: url, ...(database && { PEJLING_DATABASE: database, PEJLING_SECRET_KEY_FILE: join(data, 'secret.key') }),
    PEJLING_MAIL_TRANSPORT: 'smtp', PEJLING_MAIL_HOST: '127.0.0.1', PEJLING_MAIL_PORT: String(mail.port), PEJLING_MAIL_TLS: 'none',
  };
  const facts = await extract(join(data, 'udtræk.xlsx'));
  const { said } = await start(t, ['serve'], environment, /\/setup\//);
  return { url, mail, facts, said, xlsx: join(data, 'udtræk.xlsx') };
}

/** What the municipality says of itself, on the page of settings. */
async function settle(page, url, facts, inspector) {
  await page.goto(`${url}/${SLUG}/console/settings`);
  await inspector.look(page);
  const words = {
    register_codes: facts.code, contact_name: 'Mette Holm, erhvervschef', contact_phone: '12 34 56 78', contact_email: 'erhverv@hojager.example',
    sender_email: 'erhverv@hojager.example', committee: 'Erhvervsudvalget', comment_reader: 'erhvervskonsulenten', dpo_email: 'dpo@hojager.example',
    confirmation_url: 'https://www.hojager.example/undersoegelse', accessibility_url: 'https://www.hojager.example/tilgaengelighed',
  };
  for (const [name, word] of Object.entries(words)) await page.fill(`#${name}`, word);
  await page.locator('form[action$="/settings"] button[type=submit]').first().click();
  await page.waitForSelector('.alert.good');
  await inspector.look(page, 'saved');
}

/** A colleague is invited on the page of staff, takes the link out of the mail and chooses a password. */
async function colleague(t, staff, url, mail, role, inspector) {
  await staff.goto(`${url}/${SLUG}/console/people`);
  await inspector.look(staff);
  const email = `${role}@hojager.example`;
  await staff.fill('#name', 'Ulla Udvalg');
  await staff.fill('#email', email);
  await staff.locator(`input[name=role][value=${role}]`).check();
  await staff.locator('form[action$="/console/people"] button[type=submit]').click();
  await staff.waitForLoadState('load');
  const message = await mail.message((m) => m.includes(email));
  const [link] = plainText(message).match(/http:\/\/\S+\/sign-in\/\S+/);
  const page = await (await browser(t, { locale: 'da-DK' })).newPage();
  eavesdrop(page, inspector.faults);
  await page.goto(link);
  await inspector.look(page, 'invited');
  await page.fill('#password', 'syv små svaner svømmer sydpå');
  await page.locator('main form button[type=submit]').click();
  await page.waitForURL((to) => to.pathname.startsWith(`/${SLUG}/`));
  return page;
}

/** Waits on a job's page until its state is said to be the end; the page reloads itself. */
async function done(page, inspector) {
  await page.waitForURL(/\/console\/jobs\//);
  await inspector.look(page, 'waiting');
  await page.waitForSelector('main .chip.good, main .chip.bad', { timeout: 120_000 });
  assert.equal(await page.locator('main .chip.bad').count(), 0, await page.locator('main').innerText());
  await inspector.look(page, 'done');
}

const keyFigure = (page, name) => page.locator('.key-figure', { has: page.getByText(name, { exact: true }) }).locator('.value').innerText();

/** What a business answers to the questions of a screen: pairs of field and value. */
async function plan(page, business) {
  const fields = await page.$$eval('#screen input', (inputs) => inputs.filter((i) => ['radio', 'checkbox'].includes(i.type)).map((i) => [i.name, i.value, i.type]));
  const names = [...new Set(fields.map(([name]) => name))];
  return names.flatMap((name) => {
    const offered = fields.filter(([n]) => n === name).map(([, value]) => value);
    const isBox = fields.find(([n]) => n === name)[2] === 'checkbox';
    const place = INDEX.indexOf(name);
    if (place >= 0) return [[name, String(business.scores[place] ?? 'dk')]];
    if (name === 'follow_up') return [[name, business.shop ? '1' : '0']];
    if (name === 'contact') return business.shop ? [[name, 'building'], [name, 'jobcentre']] : [[name, 'none']];
    if (name === 'priorities') return [[name, 'labour'], [name, 'green']];
    return [[name, isBox ? 'none' : offered[business.name.length % offered.length]]];
  });
}

const choice = (page, [name, value]) => page.locator(`#screen label:has(input[name="${name}"][value="${value}"])`);

async function byClicks(page, business) {
  for (const pair of await plan(page, business)) await choice(page, pair).click();
  for (const text of await page.locator('#screen textarea').all()) await text.fill(`Et svar med æ, ø og å fra ${business.name}.`);
  await page.locator('#screen button[value="next"]').click();
}

/** Changing the language in the middle of a page loses nothing of what was chosen, also without JavaScript. */
async function byClicksInTwoLanguages(page, business) {
  const radios = (await plan(page, business)).filter(([name]) => INDEX.includes(name));
  for (const pair of radios) await choice(page, pair).click();
  for (const language of ['en', 'da']) {
    await page.locator(`.languages button[value="${language}"]`).click();
    await page.waitForSelector(`html[lang="${language}"]`);
    for (const [name, value] of radios) assert.ok(await page.locator(`input[name="${name}"][value="${value}"]`).isChecked(), `${name} is still ${value} in ${language}`);
  }
  await byClicks(page, business);
}

/** The same without a pointing device: Tab to each group, arrows or the space bar within it, Enter on the button. */
async function byKeys(page, business) {
  const wanted = new Map();
  for (const [name, value] of await plan(page, business)) wanted.set(name, [...(wanted.get(name) ?? []), value]);
  const focused = () => page.evaluate(() => {
    const e = document.activeElement;
    const ring = (x) => { const s = getComputedStyle(x); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0; };
    return { name: e.name ?? '', value: e.value ?? '', type: e.type ?? '', checked: e.checked ?? false, ring: ring(e) || (e.closest('label') !== null && ring(e.closest('label'))) || (e.nextElementSibling !== null && ring(e.nextElementSibling)) };
  });
  const met = new Set();
  for (let step = 0; step < 200; step += 1) {
    await page.keyboard.press('Tab');
    let at = await focused();
    assert.ok(at.ring || !at.type, `focus is not seen on ${at.type} ${at.name}`);
    if (at.type === 'radio' && !met.has(at.name)) {
      met.add(at.name);
      await page.keyboard.press('Space');
      for (let arrow = 0; arrow < 15 && (at = await focused()).value !== wanted.get(at.name)[0]; arrow += 1) await page.keyboard.press('ArrowRight');
      assert.deepEqual([at.value, at.checked], [wanted.get(at.name)[0], true], `${at.name} by arrows`);
    } else if (at.type === 'checkbox' && wanted.get(at.name).includes(at.value) && !at.checked) {
      await page.keyboard.press('Space');
    } else if (at.type === 'textarea') {
      await page.keyboard.type('Skrevet uden mus.');
    } else if (at.type === 'submit' && at.value === 'next') {
      if (await page.evaluate(() => document.activeElement.tabIndex < 0)) continue;
      await page.keyboard.press('Enter');
      return;
    }
  }
  assert.fail('the button is not reached by Tab');
}

/** Answers a survey from its link to the receipt and returns the screens met. */
async function respond(page, link, business, inspector, answer) {
  await page.goto(link);
  await inspector.look(page);
  assert.match(await page.locator('main').innerText(), /Jeres svar er fortrolige, men ikke anonyme\./);
  await page.locator('main form button').first().click();
  const screens = [];
  for (;;) {
    await page.waitForLoadState('load');
    const { pathname } = new URL(page.url());
    await inspector.look(page);
    if (pathname.endsWith('/review')) break;
    assert.ok(!screens.includes(pathname) && screens.length < 40, `${pathname} again, after ${screens.length} screens: ${await page.locator('main').innerText()}`);
    screens.push(pathname);
    await answer(page, business);
    await page.waitForURL((url) => url.pathname !== pathname);
  }
  await page.locator('form[action$="/submit"] button').click();
  await page.waitForURL(/\/(thanks|reach)$/);
  await inspector.look(page);
  if (page.url().endsWith('/reach')) {
    assert.ok(business.shop, 'only who said yes is asked');
    await page.getByLabel('navn', { exact: false }).first().fill('Anna Prøve');
    await page.locator('#reach-by').fill('12 34 56 78');
    await page.locator('#reach button').first().click();
    await page.waitForURL(/\/thanks$/);
    await inspector.look(page);
  }
  return screens;
}

test('the whole year at 360 px', { timeout: 900_000 }, async (t) => {
  const { url, mail, facts, said, xlsx } = await house(t);
  const inspector = new Inspector();
  t.after(() => { for (const fault of inspector.report()) t.diagnostic(fault); });
  const context = await browser(t, { locale: 'da-DK' });
  const staff = await context.newPage();
  eavesdrop(staff, inspector.faults);
  const go = async (path) => { await staff.goto(url + path); await inspector.look(staff); };
  await setUp(staff, said, inspector);
  await inspector.look(staff, 'first day');
  await settle(staff, url, facts, inspector);

  // The extract.
  await go(`/${SLUG}/console/frames`);
  await staff.setInputFiles('#file', xlsx);
  await staff.locator('main form button[type=submit]').click();
  await staff.waitForURL(/\/frames\/uploads\//);
  await inspector.look(staff, 'columns');
  await staff.locator('main form button[type=submit]').first().click();
  await staff.waitForSelector('.key-figures', { timeout: 60_000 });
  await inspector.look(staff, 'preview');
  assert.equal(await keyFigure(staff, 'Med i grundlaget'), String(facts.taken));
  assert.equal(await keyFigure(staff, 'Udeladt'), String(facts.leftOut));
  await staff.locator('main form[action$="/keep"] button').click();
  await staff.waitForURL(/done=kept/);
  await inspector.look(staff, 'kept');

  // The round.
  await go(`/${SLUG}/console/rounds/new`);
  const year = await staff.locator('#year').inputValue();
  await staff.locator('#closes_on').fill(`${Number(year) + 1}-01-31`);
  await staff.locator('main form button[type=submit]').click();
  await staff.waitForURL(/\/rounds\/[0-9a-f-]+/);
  await inspector.look(staff, 'draft');
  const round = new URL(staff.url()).pathname;
  await go(`${round}/open`);
  await staff.locator('main form button').click();
  await staff.waitForURL((to) => to.pathname !== `${round}/open`);
  await staff.goto(url + round);
  await staff.waitForSelector('.key-figures', { timeout: 60_000 });
  await inspector.look(staff, 'open');

  // The mail: each its own link, taken out of the received message.
  const invitations = new Map();
  for (const business of facts.businesses.filter((b) => b.email)) {
    const message = await mail.message((m) => m.includes(business.email));
    const [link] = plainText(message).match(/http:\/\/\S+\/s\/[A-Za-z0-9]+/);
    invitations.set(business.name, link);
  }
  assert.equal(new Set(invitations.values()).size, facts.invited);

  // The answers: one by clicks with every screen inspected, one by keys, one without JavaScript, the others by clicks.
  const answering = facts.businesses.filter((b) => b.scores);
  assert.equal(answering.length, facts.answering);
  const ways = [byClicks, byKeys, byClicksInTwoLanguages];
  let screens = [];
  let receipt = '';
  for (const [place, business] of answering.entries()) {
    const own = await browser(t, { locale: 'da-DK', javaScriptEnabled: place !== 2 });
    const page = await own.newPage();
    eavesdrop(page, inspector.faults);
    const met = await respond(page, invitations.get(business.name), business, inspector, ways[place] ?? byClicks);
    assert.equal(await page.locator('.reference').count(), 1, 'a receipt');
    if (place === 0) {
      screens = met;
      receipt = await page.locator('.reference').innerText();
    }
    await own.close();
  }
  assert.ok(screens.length >= 8, `the long way has ${screens.length} screens`);

  // Every page in every language, light and dark, narrow and wide, while the round is open.
  const link = invitations.get(answering[0].name);
  const token = new URL(link).pathname;
  const opened = await (await browser(t)).newPage();
  await opened.goto(`${url}${token}/code`);
  await inspector.look(opened, 'sent');
  await opened.fill('#reference', 'AAAAA-AAAAA');
  await opened.locator('main form button').first().click();
  await inspector.look(opened, 'wrong code');
  await opened.fill('#reference', receipt);
  await Promise.all([opened.waitForURL((to) => to.pathname.endsWith('/thanks')), opened.locator('main form button').first().click()]);
  assert.equal(await opened.locator('.reference').innerText(), receipt);
  await everyWay(t, url, [token, `${token}/code`, `${token}/withdraw`, `${token}/stop`], await (await browser(t)).newPage(), inspector);
  const shown = [token, ...screens, `${token}/review`, `${token}/thanks`, `${token}/reach`, `${token}/withdraw`, `${token}/stop`, `/${SLUG}/privacy`, `/${SLUG}/sign-in`];
  await everyWay(t, url, shown, opened, inspector);
  const silent = facts.businesses.find((b) => !b.scores && invitations.has(b.name));
  await light(t, invitations.get(silent.name));
  await everyWay(t, url, ['', '/frames', '/publications', '/trail', '/rounds/new'].map((p) => `/${SLUG}/console${p}`).concat([round, `${round}/reminder`, `${round}/close`, `/${SLUG}/account`, `/${SLUG}/calls`]), staff, inspector);
  await staff.goto(`${url}/?lang=da`);

  // Closed, analysed, published.
  await go(round);
  assert.equal(await keyFigure(staff, 'Har svaret'), String(facts.answering));
  await go(`${round}/close`);
  await staff.locator('main form button').click();
  await staff.waitForURL((to) => to.pathname === round);
  await inspector.look(staff, 'closed');
  await go(`/${SLUG}/console/publications`);
  await staff.locator('main form button[type=submit]').click();
  await done(staff, inspector);
  await staff.locator('main a[href*="/console/publications/drafts/"]').click();
  await inspector.look(staff, 'draft');
  await staff.locator('textarea[name=foreword]').fill('Tak til alle, der svarede.');
  await staff.locator('button[value=preview]').click();
  await staff.waitForURL((to) => to.pathname.endsWith('/preview'));
  await inspector.look(staff, 'preview');
  await staff.locator('main [role=status] a').first().click();
  await staff.locator('input[name=sure]').check();
  await staff.locator('button[value=freeze]').click();
  await staff.waitForURL((to) => to.pathname.includes('/committee/'));
  await go(`/${SLUG}/console/publications`);
  await staff.locator('form[action$="/report"] button').click();
  await done(staff, inspector);
  const [download] = await Promise.all([staff.waitForEvent('download'), staff.locator('a[download][href$="report.pdf"]').click()]);
  const paper = await (await download.createReadStream()).take(5).toArray();
  assert.equal(Buffer.concat(paper.map((c) => Buffer.from(c))).subarray(0, 5).toString(), '%PDF-');

  // The committee's member reads the figure that was worked out by hand.
  const member = await colleague(t, staff, url, mail, 'committee', inspector);
  await member.goto(`${url}/${SLUG}/committee`);
  await inspector.look(member);
  await member.goto(`${url}/${SLUG}/committee?indicator=nki`);
  const figure = await member.locator('table.figures tr.total td').first().innerText();
  assert.match(figure, new RegExp(`^${facts.index.toFixed(0)}\\* ±`));
  const publication = new URL(await member.locator(`a[href*="/method"]`).first().evaluate((a) => a.href)).pathname;
  await everyWay(t, url, [`/${SLUG}/committee`, publication], member, inspector);
  await staff.goto(`${link}`);
  await inspector.look(staff, 'after the end');

  // All findings at once, so that one run tells everything.
  assert.deepEqual(inspector.report(), []);
});

/** The first page of a business is light: at most 40 kB on the wire in at most five requests, all of them to its own house. */
async function light(t, link) {
  const page = await (await browser(t)).newPage();
  const wire = await page.context().newCDPSession(page);
  await wire.send('Network.enable');
  const sizes = new Map();
  wire.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => sizes.set(requestId, encodedDataLength));
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname.replace(/^\/s\/.*/, '/s/…')));
  await page.goto(link, { waitUntil: 'networkidle' });
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  assert.ok(asked.length <= 5, `${asked.length} requests: ${asked.join(', ')}`);
  assert.ok(bytes > 5000 && bytes <= 40 * 1024, `${bytes} bytes in ${asked.length} requests`);
}

/** Looks at each page in three languages, light and dark, at 360 and 1280 px. */
async function everyWay(t, url, paths, page, inspector) {
  for (const path of paths) {
    for (const language of LANGUAGES) {
      await page.setViewportSize({ width: 360, height: 780 });
      await page.goto(`${url}${path}?lang=${language}`);
      assert.equal(await page.locator('html').getAttribute('lang'), language, path);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        for (const width of [360, 1280]) {
          await page.setViewportSize({ width, height: 780 });
          await inspector.look(page, `${language} ${colorScheme}`);
        }
      }
    }
    await page.emulateMedia({ colorScheme: 'light' });
  }
  await page.setViewportSize({ width: 360, height: 780 });
}
