import { storeCases } from '@sotto/compliance/store';
import { hasChromium } from '@sotto/testing/chromium';
import { temporaryDirectory } from '@sotto/testing/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENCRYPTED_VALUE_MAX_BYTES } from '../../src/encrypted.js';
import { type Browser, startBrowser, type Tab } from './browser.js';

/** Two tabs fight for a store: so many times, and on for SOTTO_TAB_MINUTES, before a release for hours. */
const FIGHT_TURNS = 40;
const FIGHT_MINUTES = Number(process.env['SOTTO_TAB_MINUTES'] ?? 0);
/** More with SOTTO_CRASH_KILLS, before a release. */
const TAB_KILLS = Number(process.env['SOTTO_CRASH_KILLS'] ?? 6);

describe.runIf(hasChromium())('in Chromium', () => {
  const profile = temporaryDirectory(afterAll);
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser(profile);
  });
  afterAll(async () => {
    await browser.close();
  });

  /** Runs with so many tabs, and closes them. */
  async function withTabs(count: number, run: (...tabs: Tab[]) => Promise<void>): Promise<void> {
    const tabs = await Promise.all(Array.from({ length: count }, () => browser.openTab()));
    try {
      await run(...tabs);
    } finally {
      await Promise.all(tabs.map(({ page }) => page.close()));
    }
  }

  describe.each([
    { name: 'indexeddb', options: {} },
    { name: 'indexeddb, faster', options: { records: 1000 } },
    { name: 'encrypted, on indexeddb', options: { records: 5000, maxValueBytes: ENCRYPTED_VALUE_MAX_BYTES } },
    { name: 'level on browser-level', options: { records: 1000, exclusive: false } },
  ])('$name', ({ name: adapter, options }) => {
    it.each(storeCases(options).map(({ name }) => name))('%s', (name) =>
      withTabs(1, async ({ call }) => {
        expect(await call.runCase(adapter, options, name)).toBeUndefined();
      }),
    );
  });

  describe('two tabs on one store', () => {
    it('the second is refused with STORE_LOCKED, until the first closes it or is closed', () =>
      withTabs(3, async (one, two, three) => {
        expect(await one.call.open('s', { name: 'locked' })).toMatchObject({ continuity: 'new' });
        expect(await two.call.open('s', { name: 'locked' })).toEqual({ code: 'STORE_LOCKED' });
        await one.call.put('s', { a: '1' });
        await one.call.close('s');
        expect(await two.call.open('s', { name: 'locked' })).toMatchObject({ continuity: 'continued' });
        expect(await two.call.get('s', 'a')).toBe('1');
        await two.page.close();
        expect(await three.call.open('s', { name: 'locked', whenLocked: 'wait' })).toMatchObject({
          continuity: 'continued',
        });
      }));

    it('one that waits gets the store when the other is done', () =>
      withTabs(2, async (one, two) => {
        await one.call.open('s', { name: 'waited for' });
        const opening = two.call.open('s', { name: 'waited for', whenLocked: 'wait' });
        await one.call.put('s', { a: 'before' });
        expect(await one.call.wasHandedOver('s')).toBe(false);
        await one.call.close('s');
        expect(await opening).toMatchObject({ continuity: 'continued' });
        expect(await two.call.get('s', 'a')).toBe('before');
      }));

    it('one that asks takes the store over; the other finishes what it had begun, and then rejects with STORE_LOCKED', () =>
      withTabs(2, async (one, two) => {
        await one.call.open('s', { name: 'handed over' });
        const begun = Promise.all(
          Array.from({ length: 20 }, (_, i) => one.call.put('s', { [`k${i}`]: 'x' })),
        );
        expect(await two.call.open('s', { name: 'handed over', whenLocked: 'hand-over' })).toMatchObject({
          continuity: 'continued',
        });
        const stored = (await begun).flatMap((result, i) => (typeof result === 'number' ? [`k${i}`] : []));
        expect((await two.call.keys('s')).sort()).toEqual(stored.sort());
        expect(await one.call.wasHandedOver('s')).toBe(true);
        expect(await one.call.put('s', { a: 'late' })).toEqual({ code: 'STORE_LOCKED' });
        expect(await one.call.get('s', 'a')).toEqual({ code: 'STORE_LOCKED' });
        expect(await one.call.close('s')).toBeUndefined();
        expect(await two.call.put('s', { a: 'mine' })).toBeGreaterThan(0);
      }));

    it('of many that ask at the same time, each gets it, and the last one keeps it', () =>
      withTabs(5, async (first, ...others) => {
        await first.call.open('s', { name: 'wanted' });
        await first.call.put('s', { a: 'x' });
        const opened = others.map(({ call }) => call.open('s', { name: 'wanted', whenLocked: 'hand-over' }));
        for (const result of await Promise.all(opened))
          expect(result).toMatchObject({ continuity: 'continued' });
        const results = await Promise.all([first, ...others].map(({ call }) => call.put('s', { a: 'x' })));
        expect(results.filter((result) => typeof result === 'number')).toHaveLength(1);
        expect(results.filter((result) => typeof result !== 'number')).toEqual(
          Array.from({ length: 4 }, () => ({ code: 'STORE_LOCKED' })),
        );
      }));

    it(
      'that take it from each other again and again: what was confirmed is there, once and in order',
      () =>
        withTabs(2, async (...tabs) => {
          const options = { name: 'fought for', whenLocked: 'hand-over' } as const;
          const until = Date.now() + FIGHT_MINUTES * 60_000;
          let [turns, confirmed] = [0, 0];
          await tabs[0]?.call.open('s', options);
          while (turns < FIGHT_TURNS || Date.now() < until) {
            const [loser, winner] = [tabs[turns % 2], tabs[(turns + 1) % 2]];
            if (loser === undefined || winner === undefined) throw new Error('two tabs are needed');
            // The one writes on while the other takes the store over, after some commits.
            const write = (number: string) =>
              loser.call.put('s', { last: number, [`log/${number}`]: number });
            const writing = (async () => {
              while (typeof (await write(String(confirmed + 1).padStart(9, '0'))) === 'number') confirmed++;
            })();
            const wanted = confirmed + (turns % 7);
            await expect
              .poll(() => confirmed, { interval: 1, timeout: 30_000 })
              .toBeGreaterThanOrEqual(wanted);
            expect(await winner.call.open('s', options)).toMatchObject({ continuity: 'continued' });
            await writing;
            await loser.call.close('s');
            turns++;
            expect(Number(await winner.call.get('s', 'last'))).toBe(confirmed);
          }
          const keys = (await tabs[turns % 2]?.call.keys('s')) ?? [];
          expect(keys.filter((key) => key.startsWith('log/'))).toHaveLength(confirmed);
          process.stdout.write(`tabs: ${turns} times taken over, ${confirmed} commits\n`);
        }),
      FIGHT_MINUTES * 60_000 + 120_000,
    );

    it('waiting is aborted with the signal', () =>
      withTabs(2, async (one, two) => {
        await one.call.open('s', { name: 'given up' });
        const code = await two.page.evaluate(async () => {
          const { sotto } = globalThis as unknown as {
            sotto: { open(as: string, options: object): Promise<{ code?: string }> };
          };
          const controller = new AbortController();
          const opening = sotto.open('s', {
            name: 'given up',
            whenLocked: 'wait',
            signal: controller.signal,
          });
          await navigator.locks.query();
          controller.abort();
          return (await opening).code;
        });
        expect(code).toBe('ABORTED');
        expect(await one.call.put('s', { a: '1' })).toBeGreaterThan(0);
      }));
  });

  it('each commit waits for the disk by default, and not in the faster mode', () =>
    withTabs(1, async ({ call }) => {
      expect(new Set(await call.durabilities({ name: 'durable' }))).toEqual(new Set(['strict']));
      expect(new Set(await call.durabilities({ name: 'fast', durability: 'process-crash' }))).toEqual(
        new Set(['relaxed']),
      );
    }));

  it('a tab killed over and over while it writes: what was confirmed is there, in whole commits', async () => {
    let last = 0;
    for (let kill = 1; kill <= TAB_KILLS; kill++) {
      const name = `killed ${kill}`;
      const tab = await browser.openTab();
      const confirmed: number[] = [];
      const enough = new Promise<void>((resolve) => {
        void tab.page.exposeFunction('report', (i: number) => {
          confirmed.push(i);
          if (i >= (kill % 10) * 3) resolve();
        });
      });
      await tab.call.open('s', { name });
      await tab.call.writeOn('s');
      await enough;
      // The renderer process dies, with no chance to clean up.
      const crashed = new Promise((resolve) => tab.page.on('crash', resolve));
      void tab.page.goto('chrome://crash').catch(() => {});
      await crashed;
      await tab.page.close();
      await withTabs(1, async ({ call }) => {
        expect(await call.open('s', { name, whenLocked: 'wait' })).toMatchObject({ continuity: 'continued' });
        const log = (await call.keys('s')).filter((key) => key.startsWith('log/')).length;
        expect(log).toBeGreaterThanOrEqual(confirmed.at(-1) as number);
        expect(await call.get('s', 'a')).toBe(String(log));
        expect(await call.get('s', 'b')).toBe(String(log));
        last = log;
      });
    }
    expect(last).toBeGreaterThan(0);
  }, 3_600_000);

  it('a database evicted by the browser is noticed', () =>
    withTabs(1, async ({ call }) => {
      expect(await call.open('s', { name: 'evicted' })).toMatchObject({ continuity: 'new' });
      const revision = await call.put('s', { a: '1' });
      await call.close('s');
      await call.evict('evicted');
      expect(await call.open('s', { name: 'evicted' })).toMatchObject({ continuity: 'lost' });
      expect(await call.keys('s')).toEqual([]);
      expect(await call.put('s', { a: '2' })).toBeGreaterThan(revision as number);
      await call.close('s');
      expect(await call.open('s', { name: 'evicted' })).toMatchObject({ continuity: 'continued' });
    }));

  describe.each(['plain', 'encrypted'])('a database that the browser closed under a store, %s', (kind) => {
    const opened = async ({ call }: Tab, name: string) => {
      await call.open('inner', { name });
      if (kind === 'plain') return 'inner';
      expect(await call.encrypt('outer', 'inner')).toBeUndefined();
      return 'outer';
    };

    it.each(['get', 'list', 'put'] as const)('%s heals it', (how) =>
      withTabs(1, async (tab) => {
        const { call } = tab;
        const name = `closed, ${kind}, ${how}`;
        const store = await opened(tab, name);
        const revision = (await call.put(store, { a: '1' })) as number;
        for (let time = 1; time <= 3; time++) {
          expect(await call.disconnect(name)).toBe(time);
          if (how === 'get') expect(await call.get(store, 'a')).toBe('1');
          if (how === 'list') expect(await call.list(store)).toEqual(['a']);
          // Nobody can tell whether a write took effect, so it says that it failed; the next one heals it.
          if (how === 'put' && kind === 'plain') {
            expect(await call.put(store, { a: '2' })).toEqual({ code: 'STORE_UNAVAILABLE' });
            expect(await call.get(store, 'a')).toBe('1');
          }
          // What is encrypted reads before it writes, and that heals it.
          if (how === 'put' && kind === 'encrypted') {
            expect(await call.put(store, { a: String(time) })).toBeGreaterThan(revision);
            expect(await call.get(store, 'a')).toBe(String(time));
          }
        }
        expect(await call.put(store, { b: '3' })).toBeGreaterThan(revision);
        expect(await call.list(store)).toEqual(['a', 'b']);
      }),
    );

    it('many concurrent reads and writes in the middle of it: each succeeds or rejects', () =>
      withTabs(1, async (tab) => {
        const { call } = tab;
        const name = `closed, ${kind}, at once`;
        const store = await opened(tab, name);
        await call.put(store, { a: '1' });
        const puts = Array.from({ length: 20 }, (_, i) => call.put(store, { [`k${i}`]: 'x' }));
        const gets = Array.from({ length: 20 }, () => call.get(store, 'a'));
        await call.disconnect(name);
        const more = Array.from({ length: 20 }, () => call.get(store, 'a'));
        for (const got of await Promise.all([...gets, ...more])) expect(got).toBe('1');
        const stored = (await Promise.all(puts)).flatMap((result, i) =>
          typeof result === 'number' ? [`k${i}`] : [],
        );
        expect(await call.list(store)).toEqual(['a', ...stored].sort());
      }));
  });

  it('data cleared away under an open store are not quietly begun anew', () =>
    withTabs(1, async ({ page, call }) => {
      await call.open('s', { name: 'cleared' });
      await call.put('s', { a: '1' });
      const session = await browser.context.newCDPSession(page);
      const { origin } = new URL(page.url());
      await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
      expect(await call.put('s', { a: '2' })).toEqual({ code: 'STORE_UNAVAILABLE' });
      expect(await call.put('s', { a: '2' })).toEqual({ code: 'STORE_ROLLBACK' });
      expect(await call.get('s', 'a')).toEqual({ code: 'STORE_ROLLBACK' });
      await call.close('s');
      expect(await call.open('s', { name: 'cleared' })).toMatchObject({ continuity: 'lost' });
    }));

  it('a quota that is used up is STORE_UNAVAILABLE, and the work goes on when there is space again', async () => {
    // A profile of its own, so that nothing else is counted or tidied up meanwhile.
    const own = temporaryDirectory();
    const fresh = await startBrowser(own);
    const { page, call } = await fresh.openTab();
    // Before opening, since the browser remembers for a while how much space there was.
    const session = await fresh.context.newCDPSession(page);
    const { origin } = new URL(page.url());
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 5_000_000 });
    await call.open('s', { name: 'quota', persist: false });
    await call.put('s', { a: '1' });
    const outcomes: unknown[] = [];
    for (let i = 0; i < 10; i++) outcomes.push(await call.putBytes('s', `big/${i}`, 1_000_000));
    const stored = outcomes.filter((outcome) => typeof outcome === 'number').length;
    expect(stored).toBeLessThan(10);
    expect(outcomes.at(-1)).toEqual({ code: 'STORE_UNAVAILABLE' });
    expect(await call.get('s', 'a')).toBe('1');
    expect(await call.keys('s')).toHaveLength(stored + 1);
    await session.send('Storage.overrideQuotaForOrigin', { origin });
    expect(await call.put('s', { a: '2' })).toBeGreaterThan(0);
    expect(await call.putBytes('s', 'big/10', 1_000_000)).toBeGreaterThan(0);
    expect(await call.keys('s')).toHaveLength(stored + 2);
    await fresh.close();
  });

  it('a restart of the browser changes nothing', async () => {
    const own = temporaryDirectory();
    let port = 0;
    for (const round of [1, 2, 3]) {
      const restarted = await startBrowser(own, port);
      port = restarted.port;
      const { call } = await restarted.openTab();
      expect(await call.open('s', { name: 'kept' })).toMatchObject({
        continuity: round === 1 ? 'new' : 'continued',
      });
      await call.put('s', { [`round${round}`]: 'x' });
      expect(await call.keys('s')).toEqual(['round1', 'round2', 'round3'].slice(0, round));
      await restarted.close();
    }
  });

  it('deletes a store with its anchor, so that the next one is new; not while another tab has it', () =>
    withTabs(2, async (one, other) => {
      await one.call.open('s', { name: 'deleted' });
      await one.call.put('s', { a: '1' });
      expect(await other.call.delete({ name: 'deleted' })).toEqual({ code: 'STORE_LOCKED' });
      expect(await one.call.get('s', 'a')).toBe('1');
      await one.call.close('s');
      expect(await other.call.delete({ name: 'deleted' })).toBeUndefined();
      expect(await other.call.open('s', { name: 'deleted' })).toMatchObject({ continuity: 'new' });
      expect(await other.call.keys('s')).toEqual([]);
      await other.call.close('s');
      expect(await other.call.delete({ name: 'never there' })).toBeUndefined();
    }));

  it('deletes a store that another tab hands over', () =>
    withTabs(2, async (one, other) => {
      await one.call.open('s', { name: 'deleted for good' });
      await one.call.put('s', { a: '1' });
      expect(await other.call.delete({ name: 'deleted for good', whenLocked: 'hand-over' })).toBeUndefined();
      expect(await one.call.get('s', 'a')).toEqual({ code: 'STORE_LOCKED' });
      expect(await other.call.open('s', { name: 'deleted for good' })).toMatchObject({ continuity: 'new' });
    }));

  it('asks the browser not to evict the data, unless disabled', () =>
    withTabs(1, async ({ call }) => {
      expect(await call.persistCalls({ name: 'asked' }, true)).toEqual({ calls: 1, persisted: true });
      expect(await call.persistCalls({ name: 'asked' }, false)).toEqual({ calls: 1, persisted: false });
      expect((await call.persistCalls({ name: 'asked', persist: false }, true)).calls).toBe(0);
    }));
});
