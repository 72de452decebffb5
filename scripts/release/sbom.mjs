// The software bill of materials of a release, in CycloneDX: our packages, what they depend on, licences, and the hashes of the
// lock file. `npm run sbom` writes reports/sbom.cdx.json, and so does a release.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import * as CycloneDX from '@cyclonedx/cyclonedx-library';
import { parse } from 'yaml';
import { dependenciesOf } from '../supply-chain/dependencies.mjs';
import { root } from '../workspace.mjs';
import { publishedPackages } from './metadata.mjs';

const { Enums, Models, Serialize, Spec, Validation } = CycloneDX;
export const SBOM_FILE = join(root, 'reports', 'sbom.cdx.json');

/** Writes the document, once it is valid against the schema. */
export async function writeSbom() {
  const ours = publishedPackages();
  const bom = new Models.Bom();
  bom.metadata.component = new Models.Component(Enums.ComponentType.Library, 'sotto');
  const integrity = hashesOfLockFile();
  const components = new Map();
  const add = (id, { name, version, license, description }, isOurs) => {
    const [group, bare] = name.startsWith('@') ? name.split('/') : [undefined, name];
    const component = new Models.Component(Enums.ComponentType.Library, bare, {
      group,
      version,
      description,
      bomRef: id,
    });
    component.purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
    if (license !== undefined) component.licenses.add(licenseOf(license));
    const hash = integrity.get(id);
    if (hash !== undefined) component.hashes.set(Enums.HashAlgorithm['SHA-512'], hash);
    else if (!isOurs) throw new Error(`The lock file has no hash of ${id}.`);
    components.set(id, component);
    bom.components.add(component);
    return component;
  };
  for (const { manifest } of ours) add(`${manifest.name}@${manifest.version}`, manifest, true);
  const dependencies = dependenciesOf(ours.map(({ folder }) => folder));
  for (const [id, { manifest }] of dependencies) add(id, manifest, false);
  for (const [id, { dependents }] of dependencies)
    for (const dependent of dependents) components.get(dependent).dependencies.add(components.get(id).bomRef);
  for (const { manifest } of ours)
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      const other = ours.find((one) => one.manifest.name === name)?.manifest;
      if (other !== undefined)
        components
          .get(`${manifest.name}@${manifest.version}`)
          .dependencies.add(components.get(`${other.name}@${other.version}`).bomRef);
    }
  const text = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6)).serialize(
    bom,
    {
      sortLists: true,
      space: 2,
    },
  );
  const fault = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
  if (fault !== null) throw new Error(`The bill of materials isn't valid: ${JSON.stringify(fault)}`);
  mkdirSync(dirname(SBOM_FILE), { recursive: true });
  writeFileSync(SBOM_FILE, `${text}\n`);
  return bom.components.size;
}

function licenseOf(expression) {
  return /\s/.test(expression)
    ? new Models.LicenseExpression(expression)
    : new Models.SpdxLicense(expression);
}

/** SHA-512 in hex, by `name@version`. */
function hashesOfLockFile() {
  const { packages } = parse(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8'));
  return new Map(
    Object.entries(packages).map(([id, { resolution }]) => [
      id,
      Buffer.from(resolution.integrity.replace('sha512-', ''), 'base64').toString('hex'),
    ]),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.stdout.write(`${await writeSbom()} components in ${SBOM_FILE}\n`);
}
