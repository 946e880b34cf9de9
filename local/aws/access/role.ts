export interface Statement {
  /** The statement's Sid, or its place in the role where it has none. */
  readonly sid: string;
  readonly effect: 'Allow' | 'Deny';
  /** `service:Action`; `*` and `?` stand for any characters. */
  readonly actions: readonly string[];
  /** ARNs; `*` and `?` stand for any characters. */
  readonly resources: readonly string[];
}

/** A role with the statements of all its policies. */
export interface Role {
  readonly name: string;
  readonly statements: readonly Statement[];
}

/** What a call needs of its caller's role. */
export interface AccessNeed {
  readonly action: string;
  readonly resource: string;
}

/** One action on one resource, as a statement grants it. */
export interface Permission {
  readonly role: string;
  readonly sid: string;
  readonly action: string;
  readonly resource: string;
}

export type AccessDecision =
  | { readonly outcome: 'allowed'; readonly by: Permission }
  | { readonly outcome: 'denied'; readonly reason: string };

/** IAM's evaluation of identity-based policies: an explicit deny wins, and what nothing allows is denied. */
export function decideAccess(role: Role, need: AccessNeed): AccessDecision {
  if (findGrant(role, 'Deny', need)) {
    return { outcome: 'denied', reason: 'with an explicit deny in an identity-based policy' };
  }
  const by = findGrant(role, 'Allow', need);
  return by
    ? { outcome: 'allowed', by }
    : { outcome: 'denied', reason: `because no identity-based policy allows the ${need.action} action` };
}

/** Everything a role's statements allow, in their order. */
export const listPermissions = (role: Role): Permission[] =>
  role.statements
    .filter(({ effect }) => effect === 'Allow')
    .flatMap(({ sid, actions, resources }) =>
      actions.flatMap((action) => resources.map((resource) => ({ role: role.name, sid, action, resource }))),
    );

function findGrant(role: Role, effect: Statement['effect'], need: AccessNeed): Permission | undefined {
  for (const { sid, actions, resources } of role.statements.filter((each) => each.effect === effect)) {
    const action = actions.find((each) => matches(each.toLowerCase(), need.action.toLowerCase()));
    const resource = action && resources.find((each) => matches(each, need.resource));
    if (action && resource) return { role: role.name, sid, action, resource };
  }
  return undefined;
}

function matches(pattern: string, text: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === text;
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 's').test(text);
}
