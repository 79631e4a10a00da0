// Applies the chosen theme before the first paint; src/theme.ts keeps it. A file of its own, because the content
// security policy allows no inline script.
try {
  const theme = JSON.parse(localStorage.getItem('gossip-log-chat.theme') ?? 'null');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // No storage or a damaged value: the system's theme holds.
}
