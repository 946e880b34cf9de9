import * as z from 'zod';
import { refreshRenewalInfo } from '../../events/refresh-renewal-info.ts';
import { connectWithoutAccount } from '../../shared/acme/connection.ts';
import { createDynamoDbCertificateStore } from '../../shared/certificates/store.dynamodb.ts';
import { readAwsAuthorities } from '../../shared/renewal/authorities.aws.ts';
import { createRefreshHandler } from '../../shared/renewal/refresh-handler.ts';
import { createSessionFinder } from '../../shared/renewal/refresh-sessions.ts';
import { systemClock as clock } from '../../shared/runtime/clock.ts';
import { parseConfig } from '../../shared/runtime/config.ts';
import { createDynamoDb } from '../../shared/runtime/dynamodb.ts';
import { systemRandom as random } from '../../shared/runtime/random.ts';

const config = parseConfig(z.object({ CERTIFICATES_TABLE: z.string() }), process.env);
const dynamoDb = createDynamoDb();
const { preferred, connectionOptions } = readAwsAuthorities(process.env, dynamoDb);

export const handler = createRefreshHandler({
  message: refreshRenewalInfo,
  ports: {
    certificates: createDynamoDbCertificateStore(dynamoDb, config.CERTIFICATES_TABLE),
    // Renewal information is public: no account is opened and no key read.
    sessionFor: createSessionFinder({ preferred }, (authority) =>
      connectWithoutAccount(connectionOptions(authority)),
    ),
    clock,
    random,
  },
});
