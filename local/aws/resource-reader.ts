import type { z } from 'zod';
import { Failure } from '../../shared/runtime/errors.ts';
import type { Resolver, Template } from './intrinsics.ts';

export interface ReadResource<Properties> {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly properties: Properties;
}

/** Walks a template's resources type by type. */
export interface ResourceReader {
  /**
   * Every resource of `type`, with the properties `schema` names; others are neither resolved nor read.
   * @throws Failure `unsupported-template` where a property has another form
   */
  each<Shape extends z.ZodObject>(type: string, schema: Shape): ReadResource<z.output<Shape>>[];
}

export function createResourceReader(template: Template, resolver: Resolver): ResourceReader {
  function parse<Shape extends z.ZodObject>(schema: Shape, logicalId: string): z.output<Shape> {
    const properties = template.Resources[logicalId]?.Properties ?? {};
    const wanted = Object.keys(schema.shape).filter((key) => properties[key] !== undefined);
    const resolved = wanted.map((key) => [key, resolver.resolve(properties[key], logicalId)]);
    const result = schema.safeParse(Object.fromEntries(resolved));
    if (result.success) return result.data;
    const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Failure({
      code: 'unsupported-template',
      disposition: 'give-up',
      message: `${logicalId}: ${problems.join('; ')}`,
    });
  }
  return {
    each: (type, schema) =>
      Object.keys(template.Resources)
        .filter((logicalId) => template.Resources[logicalId]?.Type === type)
        .map((logicalId) => ({
          logicalId,
          get name() {
            return resolver.nameOf(logicalId);
          },
          get arn() {
            return resolver.arnOf(logicalId);
          },
          properties: parse(schema, logicalId),
        })),
  };
}
