/**
 * Colours of authors. A stranger's colour may be anything; on the screen it always has AA contrast, because a
 * readable shade of it is computed for each theme.
 */

/** `#rrggbb`, lower case. */
export type Colour = `#${string}`;

type Rgb = readonly [number, number, number];

/** WCAG 2 AA for text of any size. */
export const contrastMin = 4.5;

/** Where names are written: `--surface` of chat.css (a test compares them). */
export const surfaces = { light: '#fffefb', dark: '#171b1a' } as const satisfies Record<string, Colour>;

/** What the nickname form offers. */
export const palette: readonly { readonly name: string; readonly color: Colour }[] = [
  { name: 'Pine', color: '#0f766e' },
  { name: 'Sky', color: '#0277b5' },
  { name: 'Iris', color: '#5b5ef0' },
  { name: 'Orchid', color: '#9333ea' },
  { name: 'Rose', color: '#e11d63' },
  { name: 'Brick', color: '#c93f21' },
  { name: 'Amber', color: '#b45f06' },
  { name: 'Moss', color: '#4d7a14' },
];

/** A colour from outside, or `undefined` when it is not `#rrggbb`. */
export function parseColour(value: unknown): Colour | undefined {
  return typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value) ? (value.toLowerCase() as Colour) : undefined;
}

/** The shade of `color` nearest to it that can be read on `background`. */
export function readableOn(background: Colour, color: Colour): Colour {
  const away: Rgb = luminance(rgb(background)) > 0.18 ? [0, 0, 0] : [255, 255, 255];
  const from = rgb(color);
  for (let step = 0; step <= 20; step++) {
    const shade = hex(mix(from, away, step / 20));
    if (contrast(shade, background) >= contrastMin) return shade;
  }
  return hex(away);
}

/** Black or white, whichever can be read better on `color`. One of them always has AA contrast. */
export function inkOn(color: Colour): Colour {
  return contrast(color, '#ffffff') >= contrastMin ? '#ffffff' : '#000000';
}

/** Contrast ratio of WCAG 2: 1 to 21. */
export function contrast(a: Colour, b: Colour): number {
  const [dark, light] = [luminance(rgb(a)), luminance(rgb(b))].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Relative luminance of WCAG 2: 0 to 1. */
function luminance([r, g, b]: Rgb): number {
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

function linear(channel: number): number {
  const share = channel / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return [0, 1, 2].map((i) => Math.round((from[i] ?? 0) * (1 - share) + (to[i] ?? 0) * share)) as unknown as Rgb;
}

function rgb(color: Colour): Rgb {
  const value = Number.parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function hex([r, g, b]: Rgb): Colour {
  return `#${((r << 16) | (g << 8) | b).toString(16).padStart(6, '0')}`;
}
