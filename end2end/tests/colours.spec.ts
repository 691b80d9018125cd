/** Every colour that a program can name is readable, in both themes. */

import { AxeBuilder } from '@axe-core/playwright';

import { expect, test } from '../support/fixtures.ts';

/** Each as the parameters of an escape sequence. */
const SEQUENCES = [
  ...[30, 90].flatMap((base) => Array.from({ length: 8 }, (_, n) => `${base + n}`)),
  ...[40, 100].flatMap((base) => Array.from({ length: 8 }, (_, n) => `${base + n}`)),
  ...Array.from({ length: 256 }, (_, n) => `38;5;${n}`),
  ...Array.from({ length: 256 }, (_, n) => `48;5;${n}`),
  ...['10;10;10', '255;255;255', '255;255;0', '0;0;255', '128;0;128', '12;200;90'].flatMap((rgb) => [`38;2;${rgb}`, `48;2;${rgb}`]),
];
/** The same fainter, and with the ground in its place. */
const ALL = SEQUENCES.flatMap((codes) => [codes, `2;${codes}`, `7;${codes}`, `1;3;4;${codes}`]);
const A_LINE = 24;
const LINES = Array.from({ length: Math.ceil(ALL.length / A_LINE) }, (_, n) =>
  ALL.slice(n * A_LINE, (n + 1) * A_LINE)
    .map((codes) => `\u001b[${codes}mab\u001b[0m`)
    .join(' '),
);

test.use({
  viewport: { width: 1280, height: 3_400 },
  files: {
    'package.json': JSON.stringify({ name: 'colours', scripts: { colours: 'node colours.mjs' } }),
    'colours.mjs': `for (const line of ${JSON.stringify(LINES)}) console.log(line);`,
  },
  serverEnv: { RUNYARD_RUN__RUNNER: 'native' },
});

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test(`all colours of a terminal can be read in ${colorScheme}`, async ({ app, page, api }) => {
      test.slow();
      const { id } = await api.start({ scriptName: 'colours' });
      await app.open(id);
      await app.hasStatus('completed');
      const styled = app.log.locator('.text span');
      await expect.poll(() => styled.count()).toBeGreaterThanOrEqual(ALL.length);
      const axe = new AxeBuilder({ page }).include('[data-testid=log]').withRules(['color-contrast']);
      const { violations, passes } = await axe.analyze();
      const words = violations.flatMap(({ nodes }) => nodes.map((node) => `${node.html} ${node.any[0]?.message ?? ''}`));
      expect(words).toEqual([]);
      expect(passes.flatMap(({ nodes }) => nodes).length).toBeGreaterThan(ALL.length);
    });
  });
}
