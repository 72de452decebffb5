// Finds optional properties of types that may be left out but not given as undefined: who compiles with
// `exactOptionalPropertyTypes` could not pass on what their own options have. Run by the check.
//   node scripts/lint/optional-properties.mjs     adds the missing `| undefined`
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/**
 * Whether a property belongs to an exported type or to an argument of an exported function. What a function of the user's is
 * given is ours, and as it is.
 */
function isTaken(node) {
  const { parent } = node;
  if (ts.isBlock(parent) || ts.isAsExpression(parent) || ts.isPropertyDeclaration(parent)) return false;
  if (ts.isParameter(parent) && ts.isFunctionTypeNode(parent.parent)) return false;
  if (!ts.isSourceFile(parent)) return isTaken(parent);
  return (
    ts.canHaveModifiers(node) && !!node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  );
}

/** Ends of the types, in one file, that lack `| undefined`, with whether they need brackets. */
function findIncomplete(text, path) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = [];
  const visit = (node) => {
    if (
      ts.isPropertySignature(node) &&
      node.questionToken !== undefined &&
      node.type !== undefined &&
      isTaken(node)
    ) {
      const members = ts.isUnionTypeNode(node.type) ? node.type.types : [node.type];
      const complete = members.some(
        ({ kind }) => kind === ts.SyntaxKind.UndefinedKeyword || kind === ts.SyntaxKind.UnknownKeyword,
      );
      const bare = !ts.isFunctionTypeNode(node.type) && !ts.isConditionalTypeNode(node.type);
      if (!complete) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        found.push({ line: line + 1, start: node.type.getStart(), end: node.type.getEnd(), bare });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function filesOf(root, folder) {
  const src = join(root, folder, 'src');
  if (!existsSync(src)) return [];
  return readdirSync(src, { recursive: true })
    .map((file) => `${folder}/src/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.ts') && !file.includes('/generated/'));
}

/** A step of the check. */
export function checkOptionalProperties(root, folders) {
  const lines = folders
    .flatMap((folder) => filesOf(root, folder))
    .flatMap((file) =>
      findIncomplete(readFileSync(join(root, file), 'utf8'), file).map(
        ({ line }) => `${file}:${line}: an optional property reads \`x?: T | undefined\`\n`,
      ),
    );
  return { ok: lines.length === 0, output: lines.join('') };
}

if (process.argv[1] === import.meta.filename) {
  const { root } = await import('../workspace.mjs');
  const { publishedPackages } = await import('../release/metadata.mjs');
  for (const file of publishedPackages().flatMap(({ folder }) => filesOf(root, folder))) {
    let text = readFileSync(join(root, file), 'utf8');
    const found = findIncomplete(text, file).sort((a, b) => b.end - a.end);
    for (const { start, end, bare } of found) {
      const type = text.slice(start, end);
      text = `${text.slice(0, start)}${bare ? type : `(${type})`} | undefined${text.slice(end)}`;
    }
    if (found.length > 0) writeFileSync(join(root, file), text);
  }
}
