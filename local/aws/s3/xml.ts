import type { EndpointResponse } from '../http-endpoint.ts';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

// Line ends and tabs would be changed by the reader of the XML.
const escapeXml = (text: string): string =>
  text
    .replace(/[&<>"]/g, (character) => entities[character] ?? '')
    .replace(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);

/** One element with text; nothing where there is no value. */
export const element = (name: string, value: string | number | boolean | undefined): string =>
  value === undefined ? '' : `<${name}>${escapeXml(String(value))}</${name}>`;

/** A document in S3's namespace. */
export const s3Document = (name: string, content: string): EndpointResponse =>
  xmlResponse(`<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</${name}>`);

export function xmlResponse(document: string): EndpointResponse {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${document}`;
  return {
    status: 200,
    headers: { 'content-type': 'application/xml', 'content-length': String(Buffer.byteLength(body)) },
    body,
  };
}
