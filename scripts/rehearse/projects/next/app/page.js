'use client';

import { useEffect } from 'react';
import { report, runPage } from '../page.mjs';

async function runBoth() {
  const inPage = await runPage(location.search);
  const onServer = await fetch('/api/talk');
  if (!onServer.ok) throw new Error(`the route handler answers ${onServer.status}`);
  return `${inPage}; ${await onServer.text()}`;
}

export default function Page() {
  useEffect(() => report(runBoth()), []);
  return <p>Rehearsal</p>;
}
