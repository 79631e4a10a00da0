import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Colour, contrast, contrastMin, inkOn, palette, parseColour, readableOn, surfaces } from './colour.js';

const anyColour = fc.integer({ min: 0, max: 0xffffff }).map((n): Colour => `#${n.toString(16).padStart(6, '0')}`);

/** The tokens of the style sheet: `--name: #rrggbb` or `--name: light-dark(#rrggbb, #rrggbb)`. */
const sheet = readFileSync(new URL('./chat.css', import.meta.url), 'utf8');
const tokens = new Map<string, { light: Colour; dark: Colour }>();
for (const [, name, light, dark] of sheet.matchAll(
  /--([\w-]+): (?:light-dark\()?(#[0-9a-f]{6})(?:, (#[0-9a-f]{6})\))?;/g,
)) {
  tokens.set(name as string, { light: light as Colour, dark: (dark ?? light) as Colour });
}
const token = (name: string) => {
  const found = tokens.get(name);
  if (found === undefined) throw new Error(`chat.css has no colour --${name}`);
  return found;
};

test('contrast is that of WCAG 2: 21 for black on white, 1 for a colour on itself', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
  expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 2);
  fc.assert(fc.property(anyColour, anyColour, (a, b) => contrast(a, b) === contrast(b, a) && contrast(a, a) === 1));
});

test('any author colour becomes readable on both surfaces, and one that is readable stays as it is', () => {
  fc.assert(
    fc.property(anyColour, fc.constantFrom(surfaces.light, surfaces.dark), (color, surface) => {
      const shade = readableOn(surface, color);
      expect(contrast(shade, surface)).toBeGreaterThanOrEqual(contrastMin);
      if (contrast(color, surface) >= contrastMin) expect(shade).toBe(color);
    }),
  );
});

test('initials can be read on any colour', () => {
  fc.assert(fc.property(anyColour, (color) => contrast(inkOn(color), color) >= contrastMin));
});

test('colours offered are written in white', () => {
  for (const { color } of palette) expect(inkOn(color)).toBe('#ffffff');
});

test('only #rrggbb is a colour', () => {
  expect(parseColour('#A0b1C2')).toBe('#a0b1c2');
  for (const bad of ['red', '#fff', '#12345g', '#1234567', 'url(x)', 7, null, undefined, {}]) {
    expect(parseColour(bad)).toBeUndefined();
  }
});

test('the surfaces that author colours are computed for are those of the style sheet', () => {
  expect(token('surface')).toEqual(surfaces);
});

test.each([
  ['text', ['paper', 'surface', 'raised', 'bubble']],
  ['muted', ['paper', 'surface', 'raised', 'bubble']],
  ['accent', ['paper', 'surface', 'raised', 'bubble', 'accent-soft']],
  ['danger', ['paper', 'surface', 'raised']],
  ['own-text', ['own']],
  ['on-action', ['action']],
  ['warn-text', ['warn-soft']],
])('--%s has AA contrast on all it stands on, in both themes', (ink, grounds) => {
  for (const ground of grounds) {
    for (const theme of ['light', 'dark'] as const) {
      expect(contrast(token(ink)[theme], token(ground)[theme]), `on --${ground}, ${theme}`).toBeGreaterThanOrEqual(
        contrastMin,
      );
    }
  }
});

test('lines of fields have the contrast of 3 that controls need', () => {
  for (const ground of ['paper', 'surface', 'raised']) {
    for (const theme of ['light', 'dark'] as const) {
      expect(contrast(token('field-line')[theme], token(ground)[theme]), `${ground}, ${theme}`).toBeGreaterThanOrEqual(
        3,
      );
    }
  }
});
