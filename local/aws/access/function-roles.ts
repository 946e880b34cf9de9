import { z } from 'zod';
import { Failure } from '../../../shared/runtime/errors.ts';
import { createResolver, type Template } from '../intrinsics.ts';
import { createResourceReader, type ResourceReader } from '../resource-reader.ts';
import type { Role, Statement } from './role.ts';

/** A function and the role its calls are made under. */
export interface FunctionRole {
  readonly functionName: string;
  readonly role: Role;
}

/** Where a role's permissions may stand beside its own Policies; nothing in serverless.yml uses them. */
const separatePolicies = ['AWS::IAM::Policy', 'AWS::IAM::RolePolicy', 'AWS::IAM::ManagedPolicy'];

/**
 * The role of every function, as the template states it. Whatever would change a decision and is not evaluated
 * here (conditions but on keys, NotAction, managed policies, boundaries) is refused.
 * @throws Failure `unsupported-template`, naming the logical id
 */
export function readFunctionRoles(template: Template, { region }: { region: string }): FunctionRole[] {
  const sqsEndpoint = `https://sqs.${region}.amazonaws.com`;
  const reader = createResourceReader(template, createResolver(template, { region, sqsEndpoint }));
  for (const type of separatePolicies) {
    const [policy] = reader.each(type, z.object({}));
    if (policy) throw unreadable(policy.logicalId, `${type} ${notEvaluated}; use the role's Policies`);
  }
  const roles = readRoles(reader);
  return reader.each('AWS::Lambda::Function', functionSchema).map(({ logicalId, name, properties }) => {
    const role = roles.get(properties.Role ?? '');
    if (role) return { functionName: name, role };
    const problem =
      properties.Role === undefined ? 'a function needs a Role' : 'its Role is not in the template';
    throw unreadable(logicalId, problem);
  });
}

const notEvaluated = 'is not evaluated by the embedded AWS';
const functionSchema = z.object({ Role: z.string().optional() });

const oneOrMore = z.union([z.string().transform((one) => [one]), z.array(z.string()).min(1)]);
const plainStatement = z.strictObject(
  {
    Sid: z.string().optional(),
    Effect: z.enum(['Allow', 'Deny']),
    Action: oneOrMore,
    Resource: oneOrMore,
    /** Not evaluated: a permission under a condition is not granted. */
    Condition: z.unknown().optional(),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `${issue.keys.join(', ')} ${notEvaluated}` : undefined,
  },
);
/** Statements that may have a condition, and then grant nothing here: one for keys of other stacks, by their alias. */
const isOfKeys = (action: string): boolean => action.startsWith('kms:');
const statementSchema = plainStatement.refine(
  ({ Condition, Effect, Action }) =>
    Condition === undefined || (Effect === 'Allow' && Action.every(isOfKeys)),
  { error: `Condition ${notEvaluated}` },
);
const statements = z.union([statementSchema.transform((one) => [one]), z.array(statementSchema)]);
const roleSchema = z.object({
  Policies: z
    .array(
      z.object({
        PolicyName: z.string(),
        PolicyDocument: z.object({ Statement: statements }),
      }),
    )
    .default([]),
  ManagedPolicyArns: z.array(z.unknown()).max(0, notEvaluated).default([]),
  PermissionsBoundary: z.never({ error: notEvaluated }).optional(),
});

/** By ARN. */
const readRoles = (reader: ResourceReader): Map<string, Role> =>
  new Map(
    reader.each('AWS::IAM::Role', roleSchema).map(({ logicalId, arn, properties }) => {
      const statements = properties.Policies.flatMap(({ PolicyName, PolicyDocument }) =>
        PolicyDocument.Statement.filter(({ Condition }) => Condition === undefined).map(
          ({ Sid, Effect, Action, Resource }, index): Statement => ({
            sid: Sid ?? `${PolicyName}[${index}]`,
            effect: Effect,
            actions: Action,
            resources: Resource,
          }),
        ),
      );
      return [arn, { name: logicalId, statements }];
    }),
  );

const unreadable = (logicalId: string, problem: string): Failure =>
  new Failure({
    code: 'unsupported-template',
    disposition: 'give-up',
    message: `${logicalId}: ${problem}`,
  });
