// E-mails through a real mail server: they hold the numbers of the dashboard.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { settled, startCollector } from './collector.mjs';

/** A mail server on a free port that stores all e-mails and refuses one recipient. */
async function startMailServer() {
  const letters = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onRcptTo({ address }, _session, done) {
      done(address === 'gone@example.com' ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null);
    },
    onData(stream, session, done) {
      const parts = [];
      stream.on('data', (part) => parts.push(part));
      stream.on('end', async () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        letters.push({ recipients: to, ...(await PostalMime.parse(Buffer.concat(parts))) });
        done();
      });
    },
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { letters, port: server.server.address().port, stop: () => new Promise((resolve) => server.close(resolve)) };
}

/** A port without a listener. */
async function closedPort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const config = (port) => `
[mail]
host = "127.0.0.1"
port = ${port}
tls = "none"
from = "Sillage <stats@example.com>"
dashboard_url = "https://stats.example.com/"

[[site]]
id = "demo"
hostnames = ["127.0.0.1"]
timezone = "Asia/Tokyo"
`;

let mail;
let collector;
before(async () => {
  mail = await startMailServer();
  collector = await startCollector(config(mail.port), { days: 21 });
  // The generated traffic waits in the spool until the collector has stored it.
  const waiting = async () => /^sillage_spool_segments (\d+)$/m.exec(await (await fetch(`${collector.dashboard}metrics`)).text())?.[1];
  assert.equal(await settled(waiting, (count) => count === '0'), '0');
});
after(async () => {
  assert.equal(await collector?.stop(), 0, 'the collector stops cleanly');
  await mail?.stop();
});

const header = (letter, name) => letter.headers.find(({ key }) => key === name)?.value;

/**
 * The question of the e-mail, sent to the API: last week, Monday to Sunday, in days of the site.
 */
async function lastWeek(metrics, dimensions = []) {
  const today = new Date(new Date().toLocaleDateString('sv', { timeZone: 'Asia/Tokyo' }));
  const day = (back) => new Date(today.getTime() - back * 86_400_000).toISOString().slice(0, 10);
  const sinceMonday = (today.getUTCDay() + 6) % 7;
  const answer = await fetch(`${collector.dashboard}api/v2/query`, {
    method: 'POST',
    body: JSON.stringify({
      site_id: 'demo',
      metrics,
      dimensions,
      date_range: [day(sinceMonday + 7), day(sinceMonday + 1)],
      pagination: { limit: 5 },
    }),
  });
  assert.equal(answer.status, 200);
  return (await answer.json()).results;
}

test('a weekly summary has the page’s numbers in the reader’s language', async () => {
  const sent = await collector.command('report', 'demo', '--every', 'week', '--lang', 'de', '--to', 'ada@example.com', '--to', 'bob@example.com');
  assert.deepEqual([sent.code, sent.err], [0, '']);
  assert.deepEqual(mail.letters.map(({ recipients }) => recipients), [['ada@example.com'], ['bob@example.com']]);
  const [letter] = mail.letters;
  const [{ metrics: [visitors, visits, pageviews] }] = await lastWeek(['visitors', 'visits', 'pageviews']);
  assert.ok(visitors > 100, `${visitors} visitors make a week`);
  const german = (number) => number.toLocaleString('de-DE');
  assert.match(letter.subject, new RegExp(`^demo: ${german(visitors)} Besucher \\(`));
  assert.match(letter.text, new RegExp(`^Besuche: ${german(visits)} `, 'm'));
  assert.match(letter.text, new RegExp(`^Seitenaufrufe: ${german(pageviews)} `, 'm'));
  const pages = await lastWeek(['visitors'], ['event:page']);
  assert.ok(pages.length > 1);
  for (const { dimensions: [page], metrics: [count] } of pages) {
    assert.ok(letter.text.includes(`- ${page}: ${german(count)}\n`), `${page} ${count}\n${letter.text}`);
    assert.ok(letter.html.includes(page));
  }
  assert.deepEqual(letter.from, { name: 'Sillage', address: 'stats@example.com' });
  assert.equal(header(letter, 'auto-submitted'), 'auto-generated');
  assert.ok(letter.html.includes('href="https://stats.example.com/?site=demo"'));
  assert.doesNotMatch(letter.html, /<img|src=|url\(/, 'the e-mail loads nothing');
  assert.deepEqual(letter.attachments, []);
});

test('without a recipient the e-mail is only printed', async () => {
  const before = mail.letters.length;
  const shown = await collector.command('report', 'demo', '--every', 'day', '--lang', 'ja');
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /^demo：訪問者\d+人（\d{4}年\d{1,2}月\d{1,2}日）/);
  assert.equal(mail.letters.length, before);
});

test('an e-mail that can’t be sent ends with a reason and an exit code', async () => {
  const refused = await collector.command('report', 'demo', '--to', 'gone@example.com');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /the mail server did not accept the e-mail: .*550/);
  const nobody = await collector.command('report', 'demo', '--to', 'nobody');
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /not an e-mail address/);
  const unknown = await collector.command('report', 'other');
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /site "other" is not configured/);
});

test('an unreachable mail server is reported', async () => {
  const alone = await startCollector(config(await closedPort()));
  const away = await alone.command('report', 'demo', '--to', 'ada@example.com');
  assert.equal(await alone.stop(), 0);
  assert.equal(away.code, 1);
  assert.match(away.err, /the mail server did not accept the e-mail/);
});

const PASSWORD = 'correct horse battery staple';

/**
 * Logs in as the site's owner. Returns a function that sends requests with cookie and token.
 */
async function logIn(dashboard) {
  const entered = await fetch(`${dashboard}login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ name: 'ada', password: PASSWORD }),
  });
  const cookie = entered.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ');
  const { csrf } = await (await fetch(`${dashboard}api/me`, { headers: { cookie } })).json();
  return async (method, path, body) => {
    const headers = { cookie, 'x-sillage-csrf': csrf };
    const answer = await fetch(`${dashboard}api/sites/demo/${path}`, { method, headers, body: body && JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
  };
}

test('e-mails are subscribed, confirmed, sent once and ended in one click', async () => {
  // A time zone where it is noon now, so that yesterday's summary is due whenever the test runs.
  const hours = 12 - new Date().getUTCHours();
  const zone = `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`;
  const own = config(mail.port).replace('Asia/Tokyo', zone);
  const running = await startCollector(own, { days: 2, people: [{ name: 'ada', password: PASSWORD }] });
  try {
    const waiting = async () => /^sillage_spool_segments (\d+)$/m.exec(await (await fetch(`${running.dashboard}metrics`)).text())?.[1];
    assert.equal(await settled(waiting, (count) => count === '0'), '0');
    const ask = await logIn(running.dashboard);
    const to = (address) => mail.letters.filter(({ recipients }) => recipients.includes(address));
    const arrived = (address, count) => settled(async () => to(address), (letters) => letters.length >= count);

    for (const [wanted, rule] of [
      [{ kind: 'summary', every: 'year', to: 'a@example.com', language: 'en' }, /kind/],
      [{ kind: 'alert', every: 'day', to: 'a@example.com', language: 'en' }, /kind/],
      [{ kind: 'alert', to: 'A <a@example.com>', language: 'en' }, /to:/],
      [{ kind: 'alert', to: 'nobody', language: 'en' }, /to:/],
      [{ kind: 'alert', to: 'a@example.com', language: 'tlh' }, /language/],
    ]) {
      const refused = await ask('POST', 'subscriptions', wanted);
      assert.equal(refused.status, 400, JSON.stringify(refused.body));
      assert.match(refused.body.error, rule);
    }
    const away = await ask('POST', 'subscriptions', { kind: 'alert', to: 'gone@example.com', language: 'en' });
    assert.equal(away.status, 502);
    assert.match(away.body.error, /nothing was stored.*550/);
    assert.deepEqual((await ask('GET', 'subscriptions')).body, { items: [], mail: true });

    const wanted = { kind: 'summary', every: 'day', to: 'carl@example.com', language: 'de' };
    const made = await ask('POST', 'subscriptions', wanted);
    assert.equal(made.status, 201, JSON.stringify(made.body));
    assert.equal((await ask('POST', 'subscriptions', wanted)).status, 409);
    const { items: [item] } = (await ask('GET', 'subscriptions')).body;
    assert.deepEqual(item, { id: made.body.id, ...wanted, confirmed: false, trouble: null });
    const [request] = await arrived('carl@example.com', 1);
    assert.match(request.text, /Eine Person mit Zugriff auf die Zahlen dieser Website hat E-Mails an diese Adresse bestellt: eine tägliche Zusammenfassung\./);
    const link = /https:\/\/stats\.example\.com\/(letters\/\S+)/.exec(request.text)?.[1];
    assert.ok(link, request.text);
    const page = (init) => fetch(`${running.dashboard}${link}`, { headers: { 'accept-language': 'de' }, ...init });

    // Mail servers follow links, so opening a link must not confirm.
    assert.match(await (await page()).text(), /Möchten Sie diese erhalten\?/);
    assert.equal((await ask('GET', 'subscriptions')).body.items[0].confirmed, false);
    const yes = await page({ method: 'POST', body: new URLSearchParams({ answer: 'yes' }) });
    assert.match(await yes.text(), /werden an carl@example\.com gesendet/);
    const [, letter] = await arrived('carl@example.com', 2);
    const shown = (await ask('GET', 'letters/day?language=de')).body;
    assert.equal(letter.subject, shown.subject);
    assert.ok(letter.text.startsWith(shown.text.trimEnd()), `${letter.text}\n--\n${shown.text}`);
    assert.match(shown.text, /^Besuche: [1-9]/m);
    assert.equal(header(letter, 'list-unsubscribe'), `<https://stats.example.com/${link}>`);
    assert.equal(header(letter, 'list-unsubscribe-post'), 'List-Unsubscribe=One-Click');

    // Another confirmation triggers another round. The e-mail of the day is not sent twice.
    const bob = { ...wanted, to: 'bert@example.com', language: 'en' };
    assert.equal((await ask('POST', 'subscriptions', bob)).status, 201);
    const [second] = await arrived('bert@example.com', 1);
    const other = /letters\/\S+/.exec(second.text)[0];
    await fetch(`${running.dashboard}${other}`, { method: 'POST', body: new URLSearchParams({ answer: 'yes' }) });
    assert.equal((await arrived('bert@example.com', 2)).length, 2);
    assert.equal(to('carl@example.com').length, 2);

    // The unsubscribe button of a mail program: no cookie, no origin, this body (RFC 8058).
    const ended = await page({ method: 'POST', body: 'List-Unsubscribe=One-Click' });
    assert.equal(ended.status, 200);
    assert.match(await ended.text(), /keine weiteren E-Mails/);
    assert.equal((await page()).status, 410);
    const forged = await fetch(`${running.dashboard}${other.slice(0, -2)}00`);
    assert.equal(forged.status, 410);
    const { items: left } = (await ask('GET', 'subscriptions')).body;
    assert.deepEqual(left.map((one) => [one.to, one.confirmed, one.trouble]), [['bert@example.com', true, null]]);
    assert.equal((await ask('DELETE', `subscriptions/${left[0].id}`)).status, 200);
    assert.equal((await ask('DELETE', `subscriptions/${left[0].id}`)).status, 404);
  } finally {
    assert.equal(await running.stop(), 0);
  }
});
