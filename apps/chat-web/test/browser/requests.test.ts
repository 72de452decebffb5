import { hasChromium, openProfile, type Profile } from '@sotto/testing/chromium';
import type { NodeProcess } from '@sotto/testing/whisper-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, serveSite } from '../../scripts/serve.mjs';
import { inspect } from './inspect.js';
import { startNode } from './node.js';
import { Person } from './person.js';

const DAY_MS = 86_400_000;

/** One story: each test goes on where the one before it stopped. */
describe.runIf(hasChromium())('strangers, failures and a clock that is off', () => {
  let node: NodeProcess;
  let site: Site;
  const profiles: Profile[] = [];
  const arrive = async () => {
    const profile = await openProfile();
    profiles.push(profile);
    await profile.context.addInitScript(shiftClock);
    return Person.arrive(profile.context, site.url);
  };
  let alice: Person;
  let bob: Person;
  let carol: Person;

  beforeAll(async () => {
    node = await startNode();
    site = await serveSite({ node: node.relay });
    [alice, bob, carol] = [await arrive(), await arrive(), await arrive()];
    for (const person of [alice, bob, carol]) await person.createAccount();
    const card = await alice.cardPicture();
    for (const person of [bob, carol]) await person.addByPicture(card, 'Alice');
    await alice.go('#/');
  });
  afterAll(async () => {
    for (const profile of profiles) await profile.close();
    await site?.close();
    await node?.close();
  });

  const requests = () => alice.page.locator('details.requests');
  const openRequest = async () => {
    await alice.go('#/');
    await requests().locator('summary').click();
    await requests().locator('a.conversation').first().click();
  };

  it('a message of a stranger is a request: apart from the conversations, with how many there are', async () => {
    await bob.write('Hello Alice, we met on the train.');
    await requests().waitFor();
    await requests().locator('summary', { hasText: '1 from people' }).waitFor();
    expect(await alice.page.locator('nav > ul a.conversation').count()).toBe(0);
    await requests().locator('summary').click();
    await inspect(alice.page, 'requests');
    await requests().locator('a.conversation').click();
    await alice.bubble('we met on the train').waitFor();
    await alice.see('Message request.');
    await inspect(alice.page, 'request');
  });

  it('accepted, it is a conversation like others', async () => {
    await alice.button('Accept').click();
    await alice.seeNoMore('Message request.');
    await alice.see('This person is not among your contacts.');
    await alice.go('#/');
    await alice.page.locator('nav > ul a.conversation', { hasText: 'on the train' }).waitFor();
    expect(await requests().count()).toBe(0);
    await alice.open('on the train');
    await alice.write('I remember.');
    await bob.bubble('I remember.').waitFor();
    // A device that was the first one known is no news.
    for (const person of [alice, bob])
      expect(await person.page.getByText('A new device of this person').count()).toBe(0);
  });

  it('blocked after a question, the request is gone, and nothing of that person comes any more', async () => {
    await carol.write('Buy my coins!');
    await requests().waitFor();
    await openRequest();
    await alice.bubble('Buy my coins!').waitFor();
    await alice.button('Block').click();
    const question = alice.page.getByRole('alertdialog');
    await question.waitFor();
    expect(await alice.page.evaluate(() => document.activeElement?.textContent)).toBe('Cancel');
    await inspect(alice.page, 'block');
    await question.getByRole('button', { name: 'Cancel' }).click();
    await alice.bubble('Buy my coins!').waitFor();
    await alice.button('Block').click();
    await question.getByRole('button', { name: 'Block' }).click();
    await alice.page.getByRole('heading', { name: 'Conversations' }).waitFor();
    await requests().waitFor({ state: 'detached' });
    await carol.write('Only today!');
    await carol.bubble('Only today!').getByTitle('Sent', { exact: true }).waitFor();
    await bob.write('Are you there?');
    await alice.open('Are you there?');
    await alice.bubble('Are you there?').waitFor();
    expect(await alice.page.getByText('Only today!').count()).toBe(0);
    expect(await requests().count()).toBe(0);
  });

  it('the blocked are listed in the settings, and can be unblocked there', async () => {
    await alice.go('#/settings/blocked');
    const blocked = alice.page.getByRole('region', { name: 'Blocked people' });
    await blocked.getByRole('listitem').waitFor();
    await inspect(alice.page, 'blocked');
    await blocked.getByRole('button', { name: 'Unblock' }).click();
    await blocked.waitFor({ state: 'detached' });
    await carol.write('Sorry about that.');
    await openRequest();
    await alice.bubble('Sorry about that.').waitFor();
    expect(await alice.page.getByText('Only today!').count()).toBe(0);
    await alice.button('Accept').click();
    await alice.seeNoMore('Message request.');
  });

  it('someone who was let in can be blocked from the details; what was said stays', async () => {
    await alice.link('Verify').click();
    await alice.button('Block').click();
    await alice.page.getByRole('alertdialog').getByRole('button', { name: 'Block' }).click();
    await alice.button('Unblock').waitFor();
    await alice.link('Back').click();
    await alice.see('You blocked this person');
    await alice.bubble('Sorry about that.').waitFor();
    expect(await alice.page.getByLabel('Message', { exact: true }).count()).toBe(0);
    await inspect(alice.page, 'blocked-conversation');
    await alice.button('Unblock').click();
    await alice.seeNoMore('You blocked this person');
  });

  it('a clock that is off by an hour: said once, and messages go through', async () => {
    await setClock(alice, 3_600_000);
    await alice.page.reload();
    await alice.unlock();
    await alice.see(/The clock of this device is 1 hour ahead\. Messages still go through/);
    await alice.open('Are you there?');
    await alice.write('By the wrong clock.');
    await alice.bubble('By the wrong clock.').getByTitle('Sent', { exact: true }).waitFor();
    await bob.bubble('By the wrong clock.').waitFor();
    await bob.write('It comes.');
    await alice.bubble('It comes.').waitFor();
    expect(await alice.page.getByText('The clock of this device').count()).toBe(1);
    await inspect(alice.page, 'clock');
    await alice.button('Understood').click();
    await alice.seeNoMore('The clock of this device');
    await alice.write('Still by the wrong clock.');
    await alice.bubble('Still by the wrong clock.').getByTitle('Sent', { exact: true }).waitFor();
    expect(await alice.page.getByText('The clock of this device').count()).toBe(0);
  });

  it('a message that failed says why; tried again when the clock is right, it arrives', async () => {
    await setClock(alice, 3 * DAY_MS);
    await alice.page.reload();
    await alice.unlock();
    await alice.see(/The clock of this device is 3 days ahead\. Messages can't be sent/);
    await alice.open('Still by the wrong clock.');
    await alice.write('Sent in vain.');
    const failed = alice.bubble('Sent in vain.');
    await failed.getByTitle('Could not be sent').waitFor();
    await failed.getByText('Check that the clock of this device is right').waitFor();
    await inspect(alice.page, 'failed');
    await setClock(alice, 0);
    await failed.getByRole('button', { name: 'Try again' }).click();
    await failed.getByTitle('Sent', { exact: true }).waitFor();
    expect(await failed.getByRole('button', { name: /Try again|Delete/ }).count()).toBe(0);
    await bob.bubble('Sent in vain.').waitFor();
  });

  it('given up, a message that failed is gone here and there', async () => {
    await setClock(alice, 3 * DAY_MS);
    await alice.write('Better not.');
    const failed = alice.bubble('Better not.');
    await failed.getByRole('button', { name: 'Delete' }).click();
    await failed.waitFor({ state: 'detached' });
    await setClock(alice, 0);
    await alice.page.reload();
    await alice.unlock();
    await alice.open('Sent in vain.');
    await alice.write('Something else.');
    await bob.bubble('Something else.').waitFor();
    for (const person of [alice, bob]) expect(await person.bubble('Better not.').count()).toBe(0);
  });
});

const OFF = 'clock-is-off-by';

/** Sets the clock of someone's page, from now on and after loading it again. */
async function setClock({ page }: Person, offMs: number): Promise<void> {
  await page.evaluate(([name, off]) => sessionStorage.setItem(name, off), [OFF, String(offMs)] as const);
}

/** Runs in the page before anything else: its clock is off by what the session says. */
function shiftClock(): void {
  const Real = Date;
  const now = () => {
    const off = Number(sessionStorage.getItem('clock-is-off-by') ?? 0);
    return Real.now() + off;
  };
  globalThis.Date = class extends Real {
    static override now(): number {
      return now();
    }
    constructor(...given: readonly unknown[]) {
      if (given.length === 0) super(now());
      else super(...(given as [number]));
    }
  } as DateConstructor;
}
