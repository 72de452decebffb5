/** Lines on a square of 24: drawn here, as not every device has letters that look so. */
const PATHS = {
  attach:
    'm20 11.5-8.2 8.2a5 5 0 0 1-7.1-7.1l8.5-8.5a3.3 3.3 0 0 1 4.7 4.7l-8.4 8.4a1.6 1.6 0 0 1-2.3-2.3l7.7-7.7',
  send: 'M4 12 3 4l18 8-18 8 1-8Zm0 0h8',
  timer: 'M12 21a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15Zm0-12v4.5l2.5 1.5M9.5 3h5',
  muted:
    'M9.5 19.5a2.6 2.6 0 0 0 5 0M18 14V11M6.2 8.6C6 9.3 6 10 6 11c0 4-2 5-2 6h13M9 5.800A6 6 0 0 1 18 11M3 3l18 18',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  back: 'M20 12H4m7-7-7 7 7 7',
  file: 'M14 3H7a1.5 1.5 0 0 0-1.5 1.500v15A1.5 1.5 0 0 0 7 21h10a1.5 1.5 0 0 0 1.5-1.500V7.500L14 3Zm0 0v4.500h4.5',
  picture: 'M4.5 4.500h15v15h-15zM4.5 16l4-4 4 4 2.5-2.5 4.5 4M15 9.500h.01',
  lock: 'M6.5 11h11v9.500h-11zM9 11V7.500a3 3 0 0 1 6 0V11',
  device:
    'M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3Zm3 15h2',
  close: 'M6 6l12 12M18 6 6 18',
  download: 'M12 4v11m-5-5 5 5 5-5M5 20h14',
  down: 'M12 5v14m-6-6 6 6 6-6',
} as const;

export type IconName = keyof typeof PATHS;

/** A sign beside words, or in a button that has a name of its own. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
