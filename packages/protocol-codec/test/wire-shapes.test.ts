import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { MessageShape } from '../src/message-shape.js';
import { BUNDLE, PROTOCOL_MESSAGE } from '../src/wire-shapes.js';

interface FieldDescriptor {
  readonly name: string;
  readonly number: number;
  readonly label: string;
  readonly type: string;
  readonly typeName?: string;
}

interface MessageDescriptor {
  readonly name: string;
  readonly field?: readonly FieldDescriptor[];
  readonly nestedType?: readonly (MessageDescriptor & {
    readonly options?: { readonly mapEntry?: boolean };
  })[];
}

/** The messages of the schemas by name, as buf reads them. */
function schemaMessages(): ReadonlyMap<string, MessageDescriptor> {
  const buf = createRequire(import.meta.url).resolve('@bufbuild/buf/bin/buf');
  const packageFolder = fileURLToPath(new URL('..', import.meta.url));
  const schemas = ['../../proto', '--path', '../../proto/sotto/secure_transport'];
  const image = execFileSync(process.execPath, [buf, 'build', ...schemas, '--output', '-#format=json'], {
    cwd: packageFolder,
    encoding: 'utf8',
    maxBuffer: 2 ** 24,
  });
  const files: readonly { readonly messageType?: readonly MessageDescriptor[] }[] = JSON.parse(image).file;
  return new Map(files.flatMap((file) => file.messageType ?? []).map((message) => [message.name, message]));
}

/** A field in the terms of a shape. */
function shapeOf(message: MessageDescriptor, field: FieldDescriptor) {
  const typeName = field.typeName?.split('.').at(-1);
  const entry = message.nestedType?.find(({ name, options }) => name === typeName && options?.mapEntry);
  const value = entry?.field
    ?.find(({ name }) => name === 'value')
    ?.typeName?.split('.')
    .at(-1);
  return {
    name: field.name,
    type: entry ? 'map' : field.type.replace('TYPE_', '').toLowerCase(),
    message: value ?? typeName,
    repeated: field.label === 'LABEL_REPEATED',
  };
}

describe('the shapes that are checked', () => {
  const schema = schemaMessages();
  const checked = new Map<string, MessageShape>();
  const collect = (shape: MessageShape) => {
    checked.set(shape.name, shape);
    for (const field of shape.fields.values()) if ('message' in field) collect(field.message);
  };
  collect(BUNDLE);
  collect(PROTOCOL_MESSAGE);

  it('are those of all messages of the schema', () => {
    expect([...checked.keys()].sort()).toEqual([...schema.keys()].sort());
  });

  it.each([...checked.values()])('$name has the fields of the schema', ({ name, fields }) => {
    const message = schema.get(name) as MessageDescriptor;
    const expected = (message.field ?? []).map((field) => [field.number, shapeOf(message, field)] as const);
    const actual = Array.from(fields, ([number, field]) => {
      const { name, type, count } = field;
      const nested = 'message' in field ? field.message.name : undefined;
      return [number, { name, type, message: nested, repeated: count !== undefined }] as const;
    });
    expect(new Map(actual)).toEqual(new Map(expected));
  });
});
