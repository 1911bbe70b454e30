// For what cannot be told in time in the middle of a transaction: it has to end with nothing done, so this is thrown, and
// every door answers it with 503 and the message.

export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}
