// Tests that documents cite as `package/test/file.test.ts`, "title": file and title have to exist. A title is that of a test
// or of a group of tests, or both as "group: test"; several are joined by commas or "and".
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './workspace.mjs';

const CITATION = /`([\w./-]+\.test\.tsx?)`((?:(?:,|\s+and)?\s+"[^"]+")*)/g;

function documents() {
  const docs = readdirSync(join(root, 'docs')).map((name) => `docs/${name}`);
  return ['README.md', 'SECURITY.md', 'ARCHITECTURE.md', ...docs].filter((file) => file.endsWith('.md'));
}

/** Titles of the tests in a file, with those of the groups around them as `group: test`. */
function titlesOf(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const titles = new Set();
  const visit = (node, group) => {
    let inside = group;
    if (ts.isCallExpression(node) && /^(it|test|describe)\b/.test(node.expression.getText())) {
      const [title] = node.arguments;
      if (title !== undefined && ts.isStringLiteralLike(title)) {
        titles.add(title.text);
        if (group !== undefined) titles.add(`${group}: ${title.text}`);
        if (node.expression.getText().startsWith('describe')) inside = title.text;
      }
    }
    ts.forEachChild(node, (child) => visit(child, inside));
  };
  visit(source);
  return titles;
}

export function checkCitedTests() {
  const known = new Map();
  const problems = [];
  let cited = 0;
  for (const document of documents()) {
    const text = readFileSync(join(root, document), 'utf8').replace(/\s+/g, ' ');
    for (const [, name, quoted] of text.matchAll(CITATION)) {
      cited++;
      const path = ['packages', 'apps', '.'].map((folder) => join(root, folder, name)).find(existsSync);
      if (path === undefined) {
        problems.push(`${document}: there is no ${name}\n`);
        continue;
      }
      if (!known.has(path)) known.set(path, titlesOf(path));
      for (const [, title] of quoted.matchAll(/"([^"]+)"/g)) {
        if (!known.get(path).has(title))
          problems.push(`${document}: no test of ${name} is called "${title}"\n`);
      }
    }
  }
  if (cited === 0) problems.push('no document cites a test: is the pattern still right?\n');
  return { ok: problems.length === 0, output: problems.join('') };
}
