import { arnOf, type RequestBody, type ServiceCall, textOf } from './call.ts';

const onKey = new Set(['GenerateDataKey', 'Encrypt', 'Decrypt', 'Sign', 'GetPublicKey', 'DescribeKey']);

/**
 * A call of KMS on one key, `keyArn` where the service found it: permissions are on keys, whatever alias the request
 * names. What names no key here needs a permission on just that name.
 */
export function readKmsCall(
  name: string,
  body: RequestBody,
  place: { region: string; keyArn: string | undefined },
): ServiceCall {
  const operation = `kms:${name}`;
  if (!onKey.has(name)) return { operation, needs: undefined };
  const named = textOf(body, 'KeyId') ?? 'unknown';
  const resource = place.keyArn ?? arnOf('kms', place.region, named.includes('/') ? named : `key/${named}`);
  return { operation, needs: [{ action: operation, resource }] };
}
