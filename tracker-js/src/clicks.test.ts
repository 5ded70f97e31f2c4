import { describe, expect, it } from 'vitest';
import { names, usePage } from './testing/page';

const page = usePage();
const last = () => page.sent[page.sent.length - 1];
const put = (html: string) => {
  document.body.innerHTML = html;
  return document.querySelector('#it') as HTMLElement;
};
const click = (element: Element, init: MouseEventInit & { type?: string } = {}) =>
  element.dispatchEvent(
    new MouseEvent(init.type ?? 'click', { bubbles: true, composed: true, cancelable: true, ...init }),
  );

describe('a click', () => {
  it.each([
    ['a link', '<a id="it" href="https://other.example/a?token=SECRET#x">out</a>'],
    ['something inside a link', '<a href="https://other.example/a"><b><i id="it">out</i></b></a>'],
    ['a link in an SVG', '<svg><a id="it" href="https://other.example/"><text>out</text></a></svg>'],
    ['an area of an image map', '<map><area id="it" href="https://other.example/"></map>'],
  ])('on %s that leads away sends the other host and nothing else', (_what, html) => {
    page.start();
    click(put(html));
    expect(last()).toMatchObject({ n: 'outbound', p: { host: 'other.example' } });
  });

  it.each([
    ['data:text/csv,name;diagnosis%0AErika%20Mustermann;asthma'],
    ['data:text/csv;base64,RXJpa2E='],
    ['blob:https://example.com/9115d58c-bcda-ff47-86e5-083e9a215304'],
    ['blob:https://other.example/9115d58c-bcda-ff47-86e5-083e9a215304'],
    ['mailto:erika.mustermann@kanzlei.zip'],
    ['mailto://erika.mustermann@kanzlei.zip/a.zip'],
    ['tel:+4912345'],
    ['tel://+4912345'],
    ['sms:+4912345?body=SECRET'],
    ['sms://+4912345'],
    ['javascript:void(0)'],
    ['file:///home/erika/report.pdf'],
    ['ftp://other.example/report.pdf'],
    ['filesystem:https://example.com/temporary/report.pdf'],
    ['whatsapp://send?phone=4912345'],
  ])('on a link to %s is not an event, with or without `download`', (href) => {
    page.start();
    for (const attribute of ['', 'download', 'download="patients.csv"']) {
      click(put(`<a id="it" ${attribute} href="${href}">x</a>`));
      click(put(`<svg><a id="it" ${attribute} href="${href}"><text>x</text></a></svg>`));
    }
    expect(names(page.sent)).toEqual(['pageview']);
  });

  it('on a link to a mailbox inside a marked element is the event it names', () => {
    page.start();
    click(put('<p data-sillage="Contact"><a id="it" href="mailto:a@b.example">x</a></p>'));
    expect(last()).toMatchObject({ n: 'Contact' });
    expect(JSON.stringify(page.requests)).not.toContain('b.example');
  });

  it.each([['/inside'], ['#part'], ['https://example.com/inside']])('on a link to %s is not an event', (href) => {
    page.start();
    click(put(`<a id="it" href="${href}">x</a>`));
    expect(names(page.sent)).toEqual(['pageview']);
  });

  it('with the middle button counts, with the right one it does not', () => {
    page.start();
    const link = put('<a id="it" href="https://other.example/">out</a>');
    click(link, { type: 'auxclick', button: 1 });
    click(link, { type: 'auxclick', button: 2 });
    expect(names(page.sent)).toEqual(['pageview', 'outbound']);
  });

  it.each([
    ['/files/report.PDF?token=SECRET', '/files/report.PDF'],
    ['/a/archive.tar.gz', '/a/archive.tar.gz'],
  ])('on a file %s is a download of %s', (href, path) => {
    page.start();
    click(put(`<a id="it" href="${href}">x</a>`));
    expect(last()).toMatchObject({ n: 'download', p: { path } });
  });

  it('on a link with `download` is a download, whatever the file name', () => {
    page.start();
    click(put('<a id="it" href="/export" download>x</a>'));
    expect(last()).toMatchObject({ n: 'download', p: { path: '/export' } });
  });

  it('on a page of this site is not a download', () => {
    page.start();
    click(put('<a id="it" href="/pdf">x</a>'));
    expect(names(page.sent)).toEqual(['pageview']);
  });

  it('inside a marked element is the event it names, with its options', () => {
    page.start();
    click(put(`<div data-sillage="Signup" data-sillage-options='{"props":{"plan":"pro"}}'><b id="it">x</b></div>`));
    expect(last()).toMatchObject({ n: 'Signup', p: { plan: 'pro' } });
  });

  it('on a marked link that leads away is the named event only', () => {
    page.start();
    click(put('<a id="it" href="https://other.example/" data-sillage="Partner">x</a>'));
    expect(names(page.sent)).toEqual(['pageview', 'Partner']);
  });

  it('inside a marked form is not the form’s event', () => {
    page.start();
    click(put('<form data-sillage="Contact"><b id="it">x</b></form>'));
    expect(names(page.sent)).toEqual(['pageview']);
  });

  it('is found through an open shadow root', () => {
    page.start();
    const root = put('<div id="it"></div>').attachShadow({ mode: 'open' });
    root.innerHTML = '<a href="https://other.example/">out</a>';
    click(root.querySelector('a') as Element);
    expect(last()).toMatchObject({ n: 'outbound' });
  });

  it('stopped by a handler of the page still counts, and is not prevented', () => {
    page.start();
    const link = put('<a id="it" href="https://other.example/">out</a>');
    link.addEventListener('click', (event) => event.stopImmediatePropagation());
    expect(click(link)).toBe(true);
    expect(names(page.sent)).toEqual(['pageview', 'outbound']);
  });

  it('whose options are not JSON is dropped silently', () => {
    page.start();
    click(put('<b id="it" data-sillage="Signup" data-sillage-options="plan=pro">x</b>'));
    expect(names(page.sent)).toEqual(['pageview']);
  });
});

describe('a form', () => {
  const submit = (form: Element) => form.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));

  it('sent is an event without any of its fields', () => {
    page.start();
    submit(put('<form id="it" action="/send"><input name="email" value="a@b.example"></form>'));
    expect(last()).toMatchObject({ n: 'form' });
    expect(JSON.stringify(page.requests)).not.toContain('b.example');
  });

  it('that is marked is the named event instead', () => {
    page.start();
    submit(put('<form id="it" data-sillage="Contact"></form>'));
    expect(names(page.sent)).toEqual(['pageview', 'Contact']);
  });
});

describe('automatic events', () => {
  it('can be dropped by the site’s hook', () => {
    page.start({ beforeSend: (beacon) => beacon.n !== 'outbound' && beacon });
    click(put('<a id="it" href="https://other.example/">out</a>'));
    click(put('<a id="it" href="/a.zip">file</a>'));
    expect(names(page.sent)).toEqual(['pageview', 'download']);
  });
});
