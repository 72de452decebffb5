// Finds `slice` of bytes in the sources of packages. Of a Buffer it gives a view of the same memory, and who hands bytes
// in may hand in a Buffer: `copyBytes` of @sotto/core copies. Needs types, so it is not a plugin of Biome; run by the check.
import { join, relative, sep } from 'node:path';
import ts from 'typescript';

const BYTES = new Set(['Uint8Array', 'Uint8ClampedArray', 'Buffer']);

function isBytes(checker, type) {
  if (type.isUnionOrIntersection()) return type.types.some((one) => isBytes(checker, one));
  if (BYTES.has(type.getSymbol()?.name)) return true;
  const constraint = checker.getBaseConstraintOfType(type);
  return constraint !== undefined && constraint !== type && isBytes(checker, constraint);
}

/** Parsed files, since packages share most of theirs. */
const parsed = new Map();

function sharingHost(options) {
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (file, ...rest) => {
    if (!parsed.has(file)) parsed.set(file, getSourceFile(file, ...rest));
    return parsed.get(file);
  };
  return host;
}

/**
 * Calls of `slice` on bytes below a folder of a package.
 * @returns {{ file: string, line: number, call: ts.CallExpression }[]}
 */
function findSlicesOfBytes(root, folder) {
  const config = join(root, folder, 'tsconfig.json');
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic() {} };
  const { fileNames, options, projectReferences } = ts.getParsedCommandLineOfConfigFile(config, {}, host);
  const program = ts.createProgram({
    rootNames: fileNames,
    options,
    projectReferences,
    host: sharingHost(options),
  });
  const checker = program.getTypeChecker();
  const found = [];
  for (const source of program.getSourceFiles()) {
    const file = relative(root, source.fileName).split(sep).join('/');
    if (!file.startsWith(`${folder}/src/`) || file.includes('/generated/')) continue;
    const visit = (node) => {
      if (
        ts.isCallExpression(node) &&
        ts.isPropertyAccessExpression(node.expression) &&
        node.expression.name.text === 'slice' &&
        isBytes(checker, checker.getTypeAtLocation(node.expression.expression))
      ) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        found.push({ file, line: line + 1, call: node });
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}

/** A step of the check. */
export function checkByteCopies(root, folders) {
  const found = folders.flatMap((folder) => findSlicesOfBytes(root, folder));
  const lines = found.map(
    ({ file, line }) => `${file}:${line}: copyBytes(...) instead of slice, which is a view of a Buffer\n`,
  );
  return { ok: found.length === 0, output: lines.join('') };
}
