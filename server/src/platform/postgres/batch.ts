// Questions that come at the same moment travel in one statement: round trips, plans and what the answers share are
// paid for once. Nothing waits for company, and no answer is older than the question: a statement is sent after
// every question in it has come, and what comes while statements are under way is in the next one. A statement that
// hangs keeps back those who asked in it and nobody else.

export interface BatchNeeds<Question, Answer> {
  /** One statement for all of them; the answers in the order of the questions. */
  readonly run: (questions: readonly Question[]) => Promise<readonly Answer[]>;
  /** Questions in one statement at most. */
  readonly most?: number;
  /** Statements under way at once; the next one waits for the first of them to return, or to be late. */
  readonly atOnce?: number;
  readonly clock: { after(delayMs: number, fn: () => void): () => void };
  /** After so long a statement is late, and the next one no longer waits for it. What ends it is the statement_timeout of its session. */
  readonly lateMs?: number;
}

/** What comes back asks one question. */
export function createBatch<Question, Answer>({
  run,
  most = 64,
  atOnce = 2,
  clock,
  lateMs = 1_000,
}: BatchNeeds<Question, Answer>): (question: Question) => Promise<Answer> {
  interface Waiting {
    readonly question: Question;
    readonly resolve: (answer: Answer) => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let underWay = 0;
  let isDue = false;

  // Once everything that has arrived on any socket has been read: the requests of one turn are of one moment.
  function due(): void {
    if (isDue || underWay >= atOnce || waiting.length === 0) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      const taken = waiting.slice(0, most);
      waiting = waiting.slice(most);
      void send(taken);
      due();
    });
  }

  async function send(asked: readonly Waiting[]): Promise<void> {
    underWay += 1;
    let counts = true;
    const over = (): void => {
      if (!counts) return;
      counts = false;
      underWay -= 1;
      due();
    };
    const cancel = clock.after(lateMs, over);
    try {
      await answer(asked);
    } finally {
      cancel();
      over();
    }
  }

  async function answer(asked: readonly Waiting[]): Promise<void> {
    try {
      const answers = await run(asked.map(({ question }) => question));
      if (answers.length !== asked.length)
        throw new Error(`${asked.length} questions got ${answers.length} answers`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as many answers as questions, see above
      for (const [i, { resolve }] of asked.entries()) resolve(answers[i] as Answer);
    } catch (error) {
      const [only] = asked;
      if (asked.length === 1) only?.reject(error);
      // What is wrong with one of them must not be the end of its neighbours.
      else await Promise.all(asked.map((one) => answer([one])));
    }
  }

  return (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject });
      due();
    });
}
