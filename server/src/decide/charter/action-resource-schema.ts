// Which parameter of an action says what it touches, as it is written under `actions.NAME.resource`.
import { z } from 'zod';

const text = z.string().min(1).max(2_000);

export const actionResource = z.strictObject(
  {
    type: text.describe('A type that stands under resources.'),
    from: text.describe('The parameter that holds its name.'),
  },
  {
    error: 'Write the type of the resource and the parameter that names it: { type: portal, from: portal }.',
  },
);
