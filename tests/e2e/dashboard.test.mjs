// The dashboard over the real collector and engine. The tests are in dashboard/, one file per
// topic.
import { after, afterEach, before } from 'node:test';
import { access } from './dashboard/access.mjs';
import { budget } from './dashboard/budget.mjs';
import { details } from './dashboard/details.mjs';
import { filters } from './dashboard/filters.mjs';
import { hostile } from './dashboard/hostile.mjs';
import { keyboard } from './dashboard/keyboard.mjs';
import { living } from './dashboard/living.mjs';
import { numbers } from './dashboard/numbers.mjs';
import { periods } from './dashboard/periods.mjs';
import { setStage } from './dashboard/stage.mjs';
import { trouble } from './dashboard/trouble.mjs';

let stage;
before(async () => {
  stage = await setStage();
  await stage.seed();
});
afterEach(() => stage.tidy());
after(() => stage?.close());

const onStage = () => stage;
for (const scenarios of [numbers, filters, periods, details, hostile, trouble, living, keyboard, access, budget]) scenarios(onStage);
