import type { BrowserContext, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

export const PASSPHRASE = 'correct horse battery';

/** Someone at a browser, doing what people do: by the names of things on the screen. */
export class Person {
  words = '';

  private constructor(readonly page: Page) {
    page.setDefaultTimeout(60_000);
  }

  static async arrive(context: BrowserContext, url: string): Promise<Person> {
    const page = await context.newPage();
    await page.goto(url);
    return new Person(page);
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' });
  }

  link(name: string): Locator {
    return this.page.getByRole('link', { name, exact: true });
  }

  async type(label: string | RegExp, text: string): Promise<void> {
    await this.page.getByLabel(label, { exact: typeof label === 'string' }).fill(text);
  }

  async see(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  /** What is still to be seen goes away. */
  async seeNoMore(text: string | RegExp): Promise<void> {
    await expect.poll(() => this.page.getByText(text).count(), { timeout: 60_000 }).toBe(0);
  }

  /** Waits until the keyboard is at an element of this kind. */
  async focusIsAt(tag: string): Promise<void> {
    const focused = () => this.page.evaluate(() => document.activeElement?.tagName);
    await expect.poll(focused, { timeout: 60_000 }).toBe(tag);
  }

  /** Goes to a page by its address. */
  async go(hash: string): Promise<void> {
    await this.page.evaluate((next) => {
      location.hash = next;
    }, hash);
  }

  async createAccount(): Promise<void> {
    await this.button('Create an account').click();
    await this.confirmWords();
    await this.choosePassphrase('Open my account');
  }

  /** Writes the words down, and types in those that are asked for. */
  async confirmWords(): Promise<void> {
    await this.page.locator('.words li').nth(11).waitFor();
    const words = await this.page.locator('.words li').allTextContents();
    expect(words).toHaveLength(12);
    this.words = words.join(' ');
    await this.button('I have written them down').click();
    await this.button('Continue').waitFor();
    for (const label of await this.page.locator('.field label').allTextContents()) {
      const place = Number(/\d+/.exec(label)?.[0]);
      await this.page.getByLabel(label, { exact: true }).fill(words[place - 1] as string);
    }
    await this.button('Continue').click();
  }

  async recover(words: string): Promise<void> {
    await this.button('I have recovery words').click();
    await this.type('Recovery words', words);
    await this.button('Continue').click();
    await this.choosePassphrase('Open my account');
  }

  async choosePassphrase(action: string, passphrase = PASSPHRASE): Promise<void> {
    await this.type('New passphrase', passphrase);
    await this.type('Repeat it', passphrase);
    await this.button(action).click();
    if (action === 'Open my account') await this.isOpen();
  }

  async isOpen(): Promise<void> {
    await this.page.getByRole('link', { name: 'My card' }).waitFor({ state: 'attached' });
  }

  async unlock(passphrase = PASSPHRASE): Promise<void> {
    await this.type('Passphrase', passphrase);
    await this.button('Unlock').click();
  }

  /** The picture of the own card, as it is saved. */
  async cardPicture(): Promise<string> {
    await this.go('#/card');
    const [download] = await Promise.all([
      this.page.waitForEvent('download'),
      this.button('Save the picture').click(),
    ]);
    return download.path();
  }

  async addByPicture(path: string, name: string): Promise<void> {
    await this.go('#/new');
    await this.page.getByLabel('Picture with a QR code').setInputFiles(path);
    await this.type('Name', name);
    await this.button('Add and write').click();
    await this.page.getByLabel('Message', { exact: true }).waitFor();
  }

  /** Writes a message, and doesn't wait until it is there. */
  async send(text: string): Promise<void> {
    const area = this.page.getByLabel('Message', { exact: true });
    await area.fill(text);
    await area.press('Enter');
  }

  async write(text: string): Promise<void> {
    const area = this.page.getByLabel('Message', { exact: true });
    await area.fill(text);
    await area.press('Enter');
    await this.bubble(text).waitFor();
  }

  bubble(text: string): Locator {
    return this.page.locator('.bubble', { hasText: text });
  }

  /** Opens a conversation by what it is called in the list or, where nothing is called so, by its last message. */
  async open(name: string): Promise<void> {
    await this.go('#/');
    const lines = this.page.locator('a.conversation');
    const titled = lines.filter({ has: this.page.locator('.title', { hasText: name }) });
    await lines.filter({ hasText: name }).first().waitFor({ state: 'attached' });
    const line = ((await titled.count()) > 0 ? titled : lines.filter({ hasText: name })).first();
    // Requests are folded up.
    if (!(await line.isVisible())) await this.page.locator('details.requests > summary').click();
    await line.click();
  }
}
