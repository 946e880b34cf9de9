import { Failure } from '../../../shared/runtime/errors.ts';
import type { FunctionError } from './messages.ts';

/** A function that was called and failed; `functionError` is what Lambda answered. */
export class FunctionFailure extends Failure {
  readonly functionError: FunctionError;

  constructor(functionName: string, functionError: FunctionError) {
    super({
      code: 'function-failed',
      disposition: 'retry',
      message: `${functionName}: ${functionError.errorType}: ${functionError.errorMessage}`,
      cause: functionError,
    });
    this.functionError = functionError;
  }
}
