// Judges dashboards by a JSON schema that is made from Grafana's own types, with no property allowed
// that those do not have: validate.mjs NPM FILE... prints an objection a line, and ends with 1 if
// there is one. NPM is the folder with node_modules.

import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

const [npm, ...files] = process.argv.slice(2);
const require = createRequire(join(resolve(npm), 'package.json'));
const { createGenerator } = require('ts-json-schema-generator');
const { default: Ajv } = require('ajv');

// The compiler looks for packages in the folder of the source, so the source goes there.
function schemaOf(type) {
  const folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
  try {
    const source = join(folder, 'dashboard.ts');
    copyFileSync(new URL('dashboard.ts', import.meta.url), source);
    symlinkSync(join(resolve(npm), 'node_modules'), join(folder, 'node_modules'));
    const tsconfig = join(folder, 'tsconfig.json');
    const compilerOptions = { module: 'esnext', moduleResolution: 'bundler', strict: true, skipLibCheck: true, types: [] };
    writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files: [source] }));
    const generator = createGenerator({ path: source, tsconfig, type, additionalProperties: false, expose: 'none', jsDoc: 'none' });
    return generator.createSchema(type);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// A panel is one of several kinds, and the validator tries each. What a kind that it does not claim
// to be has against it is no objection.
function isOfAnotherKind(error, errors) {
  const kind = /^.*\/panels\/items\/anyOf\/\d+/.exec(error.schemaPath)?.[0];
  return kind !== undefined && errors.some((other) =>
    other.schemaPath === `${kind}/properties/type/const` && error.instancePath.startsWith(other.instancePath.replace(/\/type$/, '')));
}

const validate = new Ajv({ allErrors: true, strict: false }).compile(schemaOf('Dashboard'));
let objections = 0;
for (const file of files) {
  if (validate(JSON.parse(readFileSync(file, 'utf8')))) continue;
  const errors = validate.errors;
  const own = errors.filter((error) => !isOfAnotherKind(error, errors));
  for (const { instancePath, message, params } of own) {
    console.log(`${basename(file)}${instancePath}: ${message} ${JSON.stringify(params)}`);
  }
  objections += own.length;
}
process.exitCode = objections === 0 ? 0 : 1;
