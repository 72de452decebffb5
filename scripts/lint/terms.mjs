// Words and phrases that this project has agreed not to use, each with what to write instead. Spelling is cspell's.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** [what to look for, what to write]. Matched without regard to case, in comments, texts and documents alike. */
const TERMS = [
  [/\bis dear(er)?\b|\bdear(er)? (to|than)\b/, 'expensive'],
  [/\bthis is no (valid )?\w+[.,]/, '"Not a valid ..."'],
  [
    /\b(for|of|by|to|only|than|from) who (is|has|was|are|wants|knows|holds|asks|can|does|uses|gets)\b/,
    '"anyone who", or name the role',
  ],
  [/^\s*(\/\*\*|\*|\/\/) Likewise\.?\s*(\*\/)?$/m, 'say what it is'],
  [/\bsomething else than\b/, 'something other than'],
  [/\b(is|are|as) no member\b/, 'not a member'],
  [/\bno good as\b/, '"Not a valid ..."'],
  [/\bsome \d[\d.,]*\b/, 'about'],
  [/\btells? (us |them |it |you |people )?of\b/, 'reports, says, announces'],
  [/\bwho is none\b|\bthat is none\b/, 'say what it is not'],
  [/\bnobody learns\b/, 'say what happens'],
  [/\bstorage trouble\b|\btrouble with the store\b/, 'storage error'],
  [/\bgives? it up unread\b/, 'drop'],
  [/\bto its end\b/, 'until it ends, completely'],
];

/**
 * @param {string} root
 * @param {readonly string[]} files relative to the root
 * @returns {string[]} `file:line: found, say: ...`
 */
export function checkTerms(root, files) {
  return files.flatMap((file) => {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    return lines.flatMap((line, at) =>
      TERMS.flatMap(([pattern, instead]) => {
        const found = new RegExp(pattern, 'i').exec(line);
        return found ? [`${file}:${at + 1}: "${found[0].trim()}": ${instead}\n`] : [];
      }),
    );
  });
}
