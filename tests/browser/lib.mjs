// What every browser test needs: the real binary, a real SMTP server, a real browser and an independent rule engine.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { HtmlValidate } from 'html-validate';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
export const binary = join(target, 'debug', 'pejling');
const extractor = join(target, 'debug', 'extract');
/** Conformance with the standard, not taste. */
const validator = new HtmlValidate({ extends: ['html-validate:standard'] });
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A folder of its own, gone at the end of the test. */
export function folder(test) {
  const path = mkdtempSync(join(tmpdir(), 'pejling-browser-'));
  test.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** An empty database of its own on the PostgreSQL server that tests/run starts, as an address; `undefined` without one: the program's own file. */
export async function emptyDatabase(test) {
  const server = process.env.PEJLING_TEST_POSTGRES;
  if (!server) {
    test.diagnostic('PEJLING_TEST_POSTGRES is not set: on SQLite');
    return undefined;
  }
  const name = `browser_${process.pid}_${Date.now()}`;
  await run('psql', ['--quiet', '--dbname', server, '--command', `create database ${name}`]);
  return server.replace(/\/[^/]*$/, `/${name}`);
}

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Writes the register extract of the Rust story (tests/src/extract.rs) and returns who will answer what, and the index that follows. */
export async function extract(path) {
  return JSON.parse(await run(extractor, [path]));
}

/** Runs the binary to its end and returns what it printed; a failure shows its words. */
export const pejling = (args, environment = {}) => run(binary, args, environment);

async function run(program, args, environment = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => { out += chunk; });
  child.stderr.on('data', (chunk) => { err += chunk; });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${err}`);
  return out;
}

/** Starts the binary and returns once a line of its output matches `ready`; it ends with the test. */
export async function start(test, args, environment, ready) {
  const child = spawn(binary, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  test.after(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'close');
  });
  const said = [];
  let words = '';
  child.stderr.on('data', (chunk) => { words += chunk; });
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (ready.test(line)) return { child, said, words: () => words };
  }
  throw new Error(`pejling ${args.join(' ')} ended before it was ready: ${words}`);
}

/** A real SMTP server (aiosmtpd) that keeps what it accepts in a Maildir. */
export async function mailServer(test) {
  const maildir = join(folder(test), 'mail');
  for (const part of ['', 'new', 'cur', 'tmp']) mkdirSync(join(maildir, part));
  const port = await freePort();
  const child = spawn('/usr/bin/python3', ['-m', 'aiosmtpd', '-n', '-d', '-l', `127.0.0.1:${port}`, '-c', 'aiosmtpd.handlers.Mailbox', maildir], { stdio: ['ignore', 'ignore', 'pipe'] });
  test.after(() => child.kill());
  for await (const line of createInterface({ input: child.stderr })) {
    if (/Server listening|Starting asyncio loop|is listening/i.test(line)) break;
  }
  child.stderr.resume();
  const read = () => ['new', 'cur'].flatMap((part) => readdirSync(join(maildir, part)).map((name) => readFileSync(join(maildir, part, name), 'utf8')));
  /** Waits, by watching the folder, for a message that `wanted` accepts. */
  async function message(wanted) {
    const watcher = watch(join(maildir, 'new'));
    try {
      for (;;) {
        const changed = once(watcher, 'change');
        const found = read().find(wanted);
        if (found) return found;
        await changed;
      }
    } finally {
      watcher.close();
    }
  }
  return { port, message, all: read };
}

/** The plain text of a message's first text/plain part, decoded. */
export function plainText(message) {
  const part = message.split(/\r?\n--/).find((p) => /content-type: text\/plain/i.test(p)) ?? message;
  const [head, ...rest] = part.split(/\r?\n\r?\n/).slice(/content-type: multipart/i.test(part.split(/\r?\n\r?\n/)[0]) ? 1 : 0);
  const body = rest.join('\n\n');
  if (/base64/i.test(head)) return Buffer.from(body.replace(/\s/g, ''), 'base64').toString('utf8');
  if (/quoted-printable/i.test(head)) {
    const bytes = body.replace(/=\r?\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    return Buffer.from(bytes, 'latin1').toString('utf8');
  }
  return body;
}

/** What an authenticator app shows for this secret at this moment (RFC 6238). */
function code(secret) {
  const bits = [...secret.replace(/\s/g, '').toUpperCase()].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac('sha1', key).update(count).digest();
  return String((hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** The municipality of Højager and its first administrator, by the pages of an empty database: password, second step, recovery codes. */
export async function setUp(page, said, inspector) {
  await page.goto(said.find((line) => line.includes('/setup/')).match(/http:\S+/)[0]);
  await inspector.look(page);
  await page.fill('#municipality', 'Højager Kommune');
  await page.fill('#name', 'Anne Administrator');
  await page.fill('#email', 'anne@hojager.example');
  await page.fill('#password', 'grå gæs gik på græs i går');
  await page.locator('main form button[type=submit]').click();
  await page.waitForURL((url) => url.pathname.endsWith('/two-step'));
  await inspector.look(page);
  await page.fill('#code', code(await page.locator('code.hash').innerText()));
  await page.locator('form[action$="/two-step"] button').click();
  await page.waitForSelector('ul.codes');
  await inspector.look(page, 'recovery codes');
  await page.locator('main a.button').click();
  await page.waitForURL((url) => url.pathname.includes('/console'));
}

/** Headless Chromium; closed with the test. */
export async function browser(test, options = {}) {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
  const app = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  test.after(() => app.close());
  return app.newContext({ viewport: { width: 360, height: 780 }, ...options });
}

/** Every finding of axe-core on the page as it stands: WCAG 2.0–2.2 A and AA, and best practice. */
export async function findings(page, account) {
  // Colours on their way from one to the other are nobody's; a way given up has ended too.
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null))));
  await page.evaluate(axeSource);
  const result = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  account?.(result);
  return result.violations.map((v) => `${v.id}: ${v.help} (${v.nodes.map((n) => n.target.join(' ')).join('; ')})`);
}

/** What an independent validator finds wrong with the page as the server sends it (not as the script left it). */
export async function invalid(page) {
  const answer = await page.context().request.get(page.url());
  if (!/^text\/html/.test(answer.headers()['content-type'] ?? '')) return [];
  const report = await validator.validateString(await answer.text());
  return report.results.flatMap((r) => r.messages).map((m) => `HTML ${m.ruleId}: ${m.message} (line ${m.line})`);
}

/** What is wider than the window, said by element; empty when nothing is. Boxes that scroll by themselves may hold wide tables. */
export const overflow = (page) => page.evaluate(() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest('.table-wrap, .scroll, svg svg *'));
  return [`${document.documentElement.scrollWidth} px in ${width} px: ${wide.slice(0, 5).map((e) => e.tagName + '.' + e.className).join(', ')}`];
});

/** Notes what a page says of itself in the console, and every request that leaves its own house. */
export function eavesdrop(page, faults) {
  const own = (url) => url.startsWith('http://127.0.0.1:') || url.startsWith('data:') || url.startsWith('about:');
  page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => { if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) faults.push(`${page.url()}: ${message.text()}`); });
  page.on('request', (request) => { if (!own(request.url())) faults.push(`${page.url()} asks ${request.url()}`); });
}

/** A page is looked at by the rule engine once per form it takes; its width is looked at every time. */
export class Inspector {
  seen = new Set();
  faults = [];
  #places = new Map();
  #paths = new Set();
  #widths = 0;
  #criteria = {};
  #browser = '';

  /** Counts by criterion of WCAG what the engine passed, failed and left undecided. */
  #count(result) {
    for (const [kind, rules] of [['passed', result.passes], ['failed', result.violations], ['undecided', result.incomplete]]) {
      for (const rule of rules) {
        for (const [, a, b, c] of rule.tags.map((tag) => tag.match(/^wcag(\d)(\d)(\d+)$/)).filter(Boolean)) {
          const of = (this.#criteria[`${a}.${b}.${c}`] ??= { passed: 0, failed: 0, undecided: 0 });
          of[kind] += rule.nodes.length;
        }
      }
    }
  }

  /** What was looked at so far. */
  account() {
    const criteria = Object.fromEntries(Object.entries(this.#criteria).sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })));
    return { pages: this.#paths.size, states: this.seen.size, widths: this.#widths, criteria, chromium: this.#browser };
  }

  #note(fault, place) {
    this.#places.set(fault, [...(this.#places.get(fault) ?? []), place]);
  }

  async look(page, note = '', engine = true) {
    const path = new URL(page.url()).pathname.replace(/\/s\/[a-z0-9]+/i, '/s/…').replace(/[0-9a-f]{8}-[0-9a-f-]{27,}/g, '…');
    const place = `${path} ${note} ${page.viewportSize().width} px`;
    this.#widths += 1;
    this.#browser ||= page.context().browser()?.version() ?? '';
    for (const fault of await overflow(page)) this.#note(`wider than the window: ${fault}`, place);
    const key = `${place} ${await page.locator('h1').first().textContent()}`;
    if (!engine || this.seen.has(key)) return;
    this.seen.add(key);
    this.#paths.add(path);
    for (const fault of await findings(page, (result) => this.#count(result))) this.#note(fault, place);
    for (const fault of await invalid(page)) this.#note(fault, place);
  }

  /** Everything that was found, each fault once with the places where it was met. */
  report() {
    const found = [...this.#places].map(([fault, places]) => `${fault} at ${places.length} places: ${places.slice(0, 3).join('; ')}`);
    return [...found, ...new Set(this.faults)];
  }
}
