import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateTopicCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { createTransport } from 'nodemailer';
import type { ScannedWorld } from './byte-scan-world.ts';

/** Of evidence; what follows a blank tells apart two ways to one place. */
export const canaryPlaces = [
  ...['dynamodb', 'files', 'lambda', 'logs', 'mail', 'messages', 'messages of failed invocations'],
  ...['s3', 'slack', 'tables', 'destination'],
];
export const canary = (place: string): string => `Kanarievögel ${place}`;

/** A value in each place, by the way that values would get there. */
export async function plantCanaries(world: ScannedWorld, dynamodb: DynamoDBClient): Promise<void> {
  const { aws, s3, settingOf, dataDir } = world;
  await aws.lambda.call('start-etl', { pipeline: canary('logs') }).catch(() => undefined);
  const payload = JSON.stringify({ pipeline: canary('messages of failed invocations') });
  aws.lambda.invokeAsync('start-etl', { payload });
  const path = '/2015-03-31/functions/start-etl/invocations';
  const body = JSON.stringify({ pipeline: canary('lambda') });
  await fetch(`${aws.environment.AWS_ENDPOINT_URL_LAMBDA}${path}`, { method: 'POST', body });
  for (const place of ['dynamodb', 'tables'])
    await dynamodb.send(
      new PutItemCommand({
        TableName: settingOf('start-etl', 'PIPELINES_TABLE'),
        Item: { pipeline: { S: place }, item: { S: Buffer.from(canary(place)).toString('base64') } },
      }),
    );
  await s3.send(
    new PutObjectCommand({
      Bucket: settingOf('extract-records', 'ETL_WORK_BUCKET'),
      Key: 'canary',
      Body: Buffer.from(canary('s3'), 'utf16le'),
    }),
  );
  await s3.send(
    new PutObjectCommand({
      Bucket: settingOf('load-records', 'ETL_ANALYTICS_BUCKET'),
      Key: 'canary',
      Body: Buffer.from(
        parquetWriteBuffer({ columnData: [{ name: 'who', data: [canary('destination')], type: 'STRING' }] }),
      ),
    }),
  );
  await writeFile(join(dataDir, 'canary'), Buffer.from(canary('files')).toString('hex'));
  await tellCanaries(world);
}

async function tellCanaries({ aws, slack, smtpSecret }: ScannedWorld): Promise<void> {
  const sns = new SNSClient({
    endpoint: aws.environment.AWS_ENDPOINT_URL_SNS ?? '',
    region: aws.environment.AWS_REGION ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'canary' }));
  await sns.send(new PublishCommand({ TopicArn, Message: canary('messages') }));
  sns.destroy();
  const text = canary('slack');
  const body = JSON.stringify({ text, blocks: [{ type: 'header', text: { type: 'plain_text', text } }] });
  await fetch(slack.url, { method: 'POST', body });
  const { host, port, from, ca } = smtpSecret;
  const mailer = createTransport({ host, port, tls: { ca }, requireTLS: true });
  await mailer.sendMail({ from, to: 'ops@example.com', subject: 'canary', text: canary('mail') });
  mailer.close();
}
