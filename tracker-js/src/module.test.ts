import { describe, expect, it, vi } from 'vitest';
import { init } from './module';
import { names, usePage } from './testing/page';

const page = usePage();

describe('the npm package', () => {
  it('starts once, however often it is called', () => {
    vi.stubGlobal('sillage', undefined);
    const sillage = init({ site: 'example.com', api: 'https://collector.example/api/event' });
    expect(init({ site: 'example.com' })).toBe(sillage);
    vi.advanceTimersByTime(0);
    sillage('A', { props: { plan: 'pro' } });
    expect(names(page.sent)).toEqual(['pageview', 'A']);
    expect(page.requests[0]?.url).toBe('https://collector.example/api/event');
  });

  it('handles calls made before', () => {
    vi.stubGlobal(
      'sillage',
      Object.assign(() => {}, { q: [['A']] }),
    );
    init({});
    vi.advanceTimersByTime(0);
    expect(names(page.sent)).toEqual(['pageview', 'A']);
    expect(page.requests[0]?.url).toBe('/api/event');
  });

  it.each([
    ['2', '2'],
    [2, '2'],
    [1.5, '1.5'],
    [0, '0'],
  ])('sends the policy version %j as the text %j', (policy, sent) => {
    vi.stubGlobal('sillage', undefined);
    init({ policy: policy as string })('consent', true);
    vi.advanceTimersByTime(0);
    expect(page.sent[0]).toMatchObject({ n: 'pageview', cv: sent });
  });

  it.each([[null], [true], [['2']], [{}]])('does not read %j as a version', (policy) => {
    vi.stubGlobal('sillage', undefined);
    init({ policy: policy as never })('consent', true);
    vi.advanceTimersByTime(0);
    expect(page.sent[0]?.cv).not.toBeTypeOf('string');
    expect(page.sent[0]?.cv).not.toBeUndefined();
  });

  it('does nothing on a server', () => {
    vi.stubGlobal('window', undefined);
    const call = () => init({})('A');
    expect(call).not.toThrow();
    vi.unstubAllGlobals();
    expect(page.requests).toEqual([]);
  });
});
