// Bundles worker.mjs, serves it with workerd, without its compatibility with Node.js, and asks it once.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { build } from 'esbuild';

await build({
  entryPoints: ['worker.mjs'],
  bundle: true,
  format: 'esm',
  conditions: ['workerd', 'worker', 'browser'],
  outfile: 'worker-bundle.mjs',
});
const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
writeFileSync(
  'config.capnp',
  `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker-bundle.mjs")],
      compatibilityDate = "2025-06-01",
      bindings = [(name = "RELAY_URL", text = ${JSON.stringify(process.env.RELAY_URL)})],
    )),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`,
);
const workerd = spawn('workerd', ['serve', 'config.capnp'], { stdio: 'inherit' });
try {
  let answer;
  for (let tries = 0; answer === undefined && tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
  }
  console.log(await answer.text());
  if (!answer.ok) process.exitCode = 1;
} finally {
  workerd.kill();
}
