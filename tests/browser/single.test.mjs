// Signing in through the municipality's own provider: a real one (OpenID Connect), the real program, a real browser.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'node:test';
import Provider from 'oidc-provider';
import { Inspector, browser, folder, freePort, pejling, setUp, start } from './lib.mjs';

/** A provider whose people may change between sign-ins; whoever types a known name is let in. */
async function provider(t, redirect, people) {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const oidc = new Provider(issuer, {
    clients: [{ client_id: 'pejling', client_secret: 'a secret between the two', redirect_uris: [redirect], grant_types: ['authorization_code'], response_types: ['code'] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    scopes: ['openid', 'email', 'profile', 'groups'],
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
    cookies: { keys: ['a key of this test'] },
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
  });
  const answer = oidc.callback();
  // A way back may be held, to be tried by somebody else first.
  const held = { wanted: false, place: '' };
  server.on('request', (request, response) => {
    const set = response.setHeader.bind(response);
    response.setHeader = (name, value) => {
      const back = held.wanted && /^location$/i.test(name) && String(value).startsWith(redirect);
      if (back) held.place = value;
      return set(name, back ? `${issuer}/held` : value);
    };
    answer(request, response);
  });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { issuer, server, held };
}

/** The person's part at the provider: name and password (any), consent; then back where they came from. */
async function atProvider(page, issuer, name, home) {
  await page.waitForURL((url) => url.href.startsWith(`${issuer}/interaction/`));
  await page.locator('input[name=login]').fill(name);
  await page.locator('input[name=password]').fill('whatever the provider asks');
  await page.locator('button[type=submit]').click();
  await page.waitForURL((url) => url.href.startsWith(home) || /\/interaction\/[^/]+$/.test(url.pathname));
  if (page.url().includes('/interaction/')) await page.locator('button[type=submit]').click();
  await page.waitForURL((url) => url.href.startsWith(home));
}

test('signing in through the municipality\'s own provider', { timeout: 240_000 }, async (t) => {
  const data = folder(t);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const people = {
    mette: { name: 'Mette Holm', email: 'mette@hojager.example', email_verified: true, groups: ['erhverv', 'alle'] },
    ole: { name: 'Ole Uden', email: 'ole@hojager.example', email_verified: true, groups: ['alle'] },
    anna: { name: 'Anna Prøve', email: 'anna@hojager.example', email_verified: false, groups: ['erhverv'] },
  };
  const { issuer, server, held } = await provider(t, `${url}/sign-in/single/return`, people);
  const file = join(data, 'pejling.toml');
  writeFileSync(file, [
    '[sign_in.oidc]', `issuer = "${issuer}"`, 'client_id = "pejling"', 'client_secret = "a secret between the two"', 'scopes = "email profile groups"',
    '[[sign_in.oidc.role]]', 'group = "erhverv"', 'role = "analyst"', 'municipality = "hoejager"',
  ].join('\n'));
  const environment = { PEJLING_CONFIG: file, PEJLING_DATA_DIR: join(data, 'data'), PEJLING_LISTEN: `127.0.0.1:${port}`, PEJLING_PUBLIC_URL: url };
  const house = await start(t, ['serve'], environment, /\/setup\//);
  const inspector = new Inspector();
  const context = await browser(t, { locale: 'da-DK' });
  const page = await context.newPage();
  await setUp(page, house.said, inspector);
  const door = `${url}/hoejager/sign-in`;

  // Somebody of the group: an account is made, with the group's role and no other.
  const hers = await (await browser(t, { locale: 'da-DK' })).newPage();
  const knock = async (who) => {
    await who.goto(door);
    await inspector.look(who);
    await who.locator('form[action$="/sign-in/single"] button').click();
  };
  await knock(hers);
  await atProvider(hers, issuer, 'mette', url);
  await inspector.look(hers);
  assert.match(new URL(hers.url()).pathname, /^\/hoejager\/console/);
  assert.equal((await hers.goto(`${url}/hoejager/console/questionnaires`)).status(), 200);
  assert.equal((await hers.goto(`${url}/hoejager/console/people`)).status(), 403);
  await page.goto(`${url}/hoejager/console/people`);
  assert.match(await page.locator('main').innerText(), /Mette Holm/);

  // In no group that opens something; and an address that the provider has not verified.
  for (const [who, says] of [['ole', /gruppe/], ['anna', /mailadresse/]]) {
    const his = await (await browser(t, { locale: 'da-DK' })).newPage();
    await knock(his);
    await atProvider(his, issuer, who, url);
    await inspector.look(his);
    assert.match(await his.locator('main').innerText(), says);
    await his.goto(`${url}/hoejager/console`);
    assert.match(his.url(), /\/sign-in/);
  }

  // What the provider sends back is good in the browser that began, once.
  const begun = await (await browser(t, { locale: 'da-DK' })).newPage();
  held.wanted = true;
  await knock(begun);
  await atProvider(begun, issuer, 'mette', `${issuer}/held`);
  held.wanted = false;
  const back = held.place;
  assert.match(back, /code=/);
  const thief = await (await browser(t, { locale: 'da-DK' })).newPage();
  assert.equal((await thief.goto(back)).status(), 410);
  await inspector.look(thief);
  await begun.goto(back);
  assert.match(new URL(begun.url()).pathname, /^\/hoejager\/console/);
  assert.equal((await begun.goto(back)).status(), 410);

  // Out of the group: the next sign-in is refused, and ends the sessions there were.
  people.mette.groups = ['alle'];
  const again = await (await browser(t, { locale: 'da-DK' })).newPage();
  await knock(again);
  await atProvider(again, issuer, 'mette', url);
  assert.match(await again.locator('main').innerText(), /gruppe/);
  await hers.goto(`${url}/hoejager/console`);
  assert.match(hers.url(), /\/sign-in/);

  // A provider that is away is said, and keeps nobody from the other door. What it says of itself may still be known.
  server.closeAllConnections();
  await new Promise((resolve) => { server.close(resolve); });
  const late = await (await browser(t, { locale: 'da-DK' })).newPage();
  await late.goto(door);
  assert.equal(await late.locator('input[type=password]').count(), 1);
  assert.deepEqual(inspector.report(), []);
});

test('only the provider opens where passwords are off', { timeout: 60_000 }, async (t) => {
  const data = folder(t);
  const port = await freePort();
  const file = join(data, 'pejling.toml');
  // Nobody listens there.
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  writeFileSync(file, [
    '[sign_in]', 'local_passwords = false', '[sign_in.oidc]', `issuer = "${nowhere}"`, 'client_id = "pejling"', '[[sign_in.oidc.role]]', 'group = "it"', 'role = "administrator"',
  ].join('\n'));
  const environment = { PEJLING_CONFIG: file, PEJLING_DATA_DIR: join(data, 'data'), PEJLING_LISTEN: `127.0.0.1:${port}` };
  await pejling(['municipality', 'add', 'hoejager', '--name', 'Højager Kommune'], environment);
  await start(t, ['serve'], environment, /listens on/);
  const page = await (await browser(t, { locale: 'da-DK' })).newPage();
  const inspector = new Inspector();
  await page.goto(`http://127.0.0.1:${port}/hoejager/sign-in`);
  await inspector.look(page);
  assert.equal(await page.locator('input[type=password]').count(), 0);
  await page.locator('form[action$="/sign-in/single"] button').click();
  await page.waitForSelector('main h1');
  assert.match(await page.locator('main').innerText(), /svarer ikke/);
  await inspector.look(page);
  assert.deepEqual(inspector.report(), []);
});
