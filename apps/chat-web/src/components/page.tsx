import type { ComponentChildren } from 'preact';
import { formatRoute, type Route } from '../route.js';
import { Icon } from './icon.js';
import { Heading } from './screen.js';

interface PageProps {
  readonly title: ComponentChildren;
  /** Before the title. */
  readonly picture?: ComponentChildren;
  /** Where the arrow leads. To the list only on a narrow screen: on a wide one it is there anyway. */
  readonly back?: Route;
  /** Beside the title, or below it where there is no room. */
  readonly badge?: ComponentChildren;
  /** At the other end. */
  readonly actions?: ComponentChildren;
  /** Whether it fills the height by itself, instead of scrolling as a whole. */
  readonly filled?: boolean;
  readonly children: ComponentChildren;
}

/** A page beside the list of conversations. */
export function Page({
  title,
  picture,
  back = { page: 'list' },
  badge,
  actions,
  filled = false,
  children,
}: PageProps) {
  return (
    <main class="page">
      <header class="bar">
        <a class={`back to-${back.page}`} href={formatRoute(back)} aria-label="Back">
          <Icon name="back" />
        </a>
        {picture}
        <div class="titles">
          <Heading>{title}</Heading>
          {badge !== undefined && <span class="badges">{badge}</span>}
        </div>
        {actions}
      </header>
      <div class={filled ? 'content filled' : 'content'}>{children}</div>
    </main>
  );
}
