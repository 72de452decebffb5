import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Where screenshots go, when they are wanted. */
const SCREENSHOTS = process.env['SOTTO_SCREENSHOTS'];

const SIZES = [
  { name: 'phone', width: 390, height: 844 },
  { name: 'desktop', width: 1280, height: 800 },
] as const;

/** At both widths, light and dark: nothing that axe finds, nothing wider than the screen, and with an account only panes scroll. */
export async function inspect(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS) await mkdir(SCREENSHOTS, { recursive: true });
  for (const { name: size, ...viewport } of SIZES) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(wide, `${name} is too wide on a ${size}`).toBeLessThanOrEqual(0);
      const high = await page.evaluate(() =>
        document.querySelector('.shell') === null
          ? 0
          : (document.scrollingElement as Element).scrollHeight - innerHeight,
      );
      expect(high, `${name} scrolls as a whole on a ${size}`).toBeLessThanOrEqual(0);
      const violations = await page.evaluate(async (axe) => {
        if (!('axe' in globalThis)) new Function(axe)();
        const { axe: loaded } = globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        };
        const found = await loaded.run();
        return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
      }, AXE);
      expect(violations, `${name}, ${size}, ${colorScheme}`).toEqual([]);
      if (SCREENSHOTS)
        await page.screenshot({ path: join(SCREENSHOTS, `${name}-${size}-${colorScheme}.png`) });
    }
  }
}
