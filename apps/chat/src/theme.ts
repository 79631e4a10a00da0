/** Light, dark, or what the system says. */
import { localValue } from './local-value.js';

export type Theme = 'system' | 'light' | 'dark';

/** The theme chosen; `public/theme.js` reads the same value before the first paint. */
export const theme = localValue<Theme>('theme', (stored) =>
  stored === 'light' || stored === 'dark' ? stored : 'system',
);

/** The next one when the button is pressed. */
export function nextTheme(now: Theme): Theme {
  return now === 'system' ? 'light' : now === 'light' ? 'dark' : 'system';
}

/** Puts the chosen theme on the document, now and after every change. */
export function applyTheme(): void {
  const apply = (): void => {
    const chosen = theme.get();
    if (chosen === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = chosen;
  };
  theme.subscribe(apply);
  apply();
}
