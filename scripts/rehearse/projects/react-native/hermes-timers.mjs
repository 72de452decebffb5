// The bare Hermes runs timers one after another and at once, whatever their delay: these wait for it.
const runSoon = globalThis.setTimeout;
const timers = new Map();
let last = 0;
let pumping = false;

function pump() {
  const now = Date.now();
  for (const [id, { at, run }] of timers) {
    if (at > now) continue;
    timers.delete(id);
    run();
  }
  pumping = timers.size > 0;
  if (pumping) runSoon(pump);
}

globalThis.setTimeout = (run, milliseconds = 0) => {
  timers.set(++last, { at: Date.now() + milliseconds, run });
  if (!pumping) runSoon(pump);
  pumping = true;
  return last;
};
globalThis.clearTimeout = (id) => void timers.delete(id);
