import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { manualClock } from '../clock/manual-clock.ts';
import { createBatch } from './batch.ts';

interface Sent {
  readonly questions: readonly string[];
  readonly done: (answers?: readonly string[]) => void;
}

function open(limits: { readonly most?: number; readonly atOnce?: number } = {}) {
  const sent: Sent[] = [];
  const clock = manualClock();
  const ask = createBatch<string, string>({
    ...limits,
    clock,
    run: (questions) =>
      new Promise((resolve) => {
        const right: readonly string[] = questions.map((question) => question.toUpperCase());
        sent.push({ questions, done: (answers = right) => resolve(answers) });
      }),
  });
  return { sent, ask, clock };
}

test('what is asked in one turn travels together, and each question gets its own answer', async () => {
  const { sent, ask } = open();
  const answers = Promise.all(['a', 'b', 'c'].map(ask));
  await setImmediate();
  assert.deepEqual(
    sent.map(({ questions }) => questions),
    [['a', 'b', 'c']],
  );
  sent[0]?.done();
  assert.deepEqual(await answers, ['A', 'B', 'C']);
});

test('a question that comes while statements are under way is in one that is sent after it', async () => {
  const { sent, ask } = open({ atOnce: 1 });
  const first = ask('a');
  await setImmediate();
  const second = ask('b');
  const third = ask('c');
  await setImmediate();
  assert.equal(sent.length, 1, 'the next one waits for the first');
  sent[0]?.done();
  assert.equal(await first, 'A');
  while (sent.length < 2) await setImmediate();
  assert.deepEqual(sent[1]?.questions, ['b', 'c']);
  sent[1]?.done();
  assert.deepEqual(await Promise.all([second, third]), ['B', 'C']);
});

test('one statement holds no more than its share, and the rest follows at once', async () => {
  const { sent, ask } = open({ most: 2 });
  const answers = Promise.all(['a', 'b', 'c'].map(ask));
  while (sent.length < 2) await setImmediate();
  assert.deepEqual(
    sent.map(({ questions }) => questions),
    [['a', 'b'], ['c']],
  );
  for (const { done } of sent) done();
  assert.deepEqual(await answers, ['A', 'B', 'C']);
});

test('a question that cannot be answered fails alone', async () => {
  const asked: (readonly string[])[] = [];
  const ask = createBatch<string, string>({
    clock: manualClock(),
    run: (questions) => {
      asked.push(questions);
      return questions.includes('bad')
        ? Promise.reject(new Error('bad'))
        : Promise.resolve(questions.map((question) => question.toUpperCase()));
    },
  });
  const answers = await Promise.allSettled(['a', 'bad', 'c'].map(ask));
  assert.deepEqual(
    answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : 'failed')),
    ['A', 'failed', 'C'],
  );
  assert.equal(asked.length, 4);
  assert.equal(await ask('d'), 'D', 'and it goes on');
});

test('answers that are not as many as the questions are no answers', async () => {
  const { sent, ask } = open();
  const answer = ask('a');
  await setImmediate();
  sent[0]?.done([]);
  await assert.rejects(answer, /1 questions got 0 answers/);
});

test('statements that hang keep back those who asked in them and nobody else', async () => {
  const { sent, ask, clock } = open();
  const hung = [ask('a')];
  await setImmediate();
  hung.push(ask('b'));
  await setImmediate();
  assert.equal(sent.length, 2, 'as many as may be under way');
  const third = ask('c');
  await setImmediate();
  clock.advance(999);
  await setImmediate();
  assert.equal(sent.length, 2, 'the next one waits while they may still return');

  clock.advance(1);
  while (sent.length < 3) await setImmediate();
  sent[2]?.done();
  assert.equal(await third, 'C', 'and then waits for neither');
  const fourth = ask('d');
  while (sent.length < 4) await setImmediate();
  sent[3]?.done();
  assert.equal(await fourth, 'D');

  // What returns late is answered, and frees no place a second time.
  for (const { done } of sent.slice(0, 2)) done();
  assert.deepEqual(await Promise.all(hung), ['A', 'B']);
  const more: Promise<string>[] = [];
  for (const question of ['e', 'f', 'g']) {
    more.push(ask(question));
    await setImmediate();
  }
  await setImmediate();
  assert.equal(sent.length, 6, 'two at once, as before');
  sent[4]?.done();
  while (sent.length < 7) await setImmediate();
  for (const { done } of sent.slice(5)) done();
  assert.deepEqual(await Promise.all(more), ['E', 'F', 'G']);
});
