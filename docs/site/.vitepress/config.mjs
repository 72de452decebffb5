import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitepress';
import { publishedPackages } from '../../../scripts/release/metadata.mjs';
import { readJson, root } from '../../../scripts/workspace.mjs';

const page = (text, link) => ({ text, link });
const guide = (text, name) => page(text, `/docs/guides/${name}`);

const sidebarFile = join(import.meta.dirname, '..', '.build', 'api', 'typedoc-sidebar.json');
const api = existsSync(sidebarFile) ? JSON.parse(readFileSync(sidebarFile, 'utf8')) : [];
const { repository } = readJson(join(root, 'package.json'));

export default defineConfig({
  srcDir: '.build',
  outDir: 'dist',
  title: 'Sotto',
  description: 'End-to-end encrypted messaging that you can take apart',
  // Documents are shared with the repository: what looks like HTML there is text, as in `Promise<T>`.
  markdown: { html: false },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      page('Start', '/docs/start'),
      page('Guides', '/docs/guides/react'),
      page('Reference', '/docs/errors'),
      page('API', '/api/'),
      page('Security', '/SECURITY'),
    ],
    socialLinks: [{ icon: 'github', link: repository.url.replace(/^git[+]|[.]git$/g, '') }],
    sidebar: {
      '/api/': [{ text: 'API', link: '/api/', items: api }],
      '/': [
        {
          text: 'Start',
          items: [
            page('Five minutes', '/docs/start'),
            page('Concepts', '/docs/concepts'),
            page('Compared with others', '/docs/comparison'),
          ],
        },
        {
          text: 'Guides',
          items: [
            guide('A chat in React', 'react'),
            guide('A bot in Node.js', 'node-bot'),
            guide('React Native', 'react-native'),
            guide('Next', 'next'),
            guide('Electron', 'electron'),
            page('A transport of your own', '/docs/custom-transport'),
            guide('A store of your own', 'own-store'),
            guide('Moving a store', 'move-store'),
            guide('Only the ratchet', 'ratchet'),
            guide('Only bundles', 'bundles'),
            guide('Backup', 'backup'),
            guide('Verification', 'verification'),
            guide('Several devices', 'devices'),
            guide('Groups', 'groups'),
            guide('Files', 'files'),
            guide('Profiles', 'profiles'),
            guide('Delivered, read, replies', 'delivered'),
            guide('Decryption failures', 'decryption-failures'),
            guide('Expiring messages', 'expiring'),
            guide('Blocking', 'blocking'),
          ],
        },
        {
          text: 'Reference',
          items: [
            page('API', '/api/'),
            page('Errors', '/docs/errors'),
            page('Events', '/docs/events'),
            page('Limits', '/docs/limits'),
            page('The wire', '/docs/wire-profile'),
            page('Relay protocol', '/docs/relay-protocol'),
            page('Group protocol', '/docs/group-protocol'),
            page('Runtimes and tools', '/docs/runtimes'),
            page('Versions', '/docs/versioning'),
            page('Speed', '/docs/benchmarks'),
            page('chat-cli and its JSON', '/apps/chat-cli/README'),
          ],
        },
        {
          text: 'Packages',
          collapsed: true,
          items: publishedPackages().map(({ folder, manifest }) => page(manifest.name, `/${folder}/README`)),
        },
        {
          text: 'Security',
          items: [
            page('State, and what it promises', '/SECURITY'),
            page('Threat model', '/docs/threat-model'),
            page('Audit guide', '/docs/audit-guide'),
            page('What people see', '/docs/what-people-see'),
            page('Architecture', '/ARCHITECTURE'),
          ],
        },
      ],
    },
  },
});
