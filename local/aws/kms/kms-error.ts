/** A refusal as KMS names it; `type` becomes the SDK's error name. */
export class KmsError extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

export const notFound = (what: string): KmsError =>
  new KmsError('NotFoundException', `${what} is not found.`);
