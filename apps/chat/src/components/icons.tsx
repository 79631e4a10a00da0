/** The chat's own icons: 20 × 20, drawn in the text's colour, silent for screen readers. */
import type { ReactNode } from 'react';

interface IconProps {
  readonly size?: number;
  readonly children: ReactNode;
}

function Icon({ size = 20, children }: IconProps) {
  return (
    <svg
      width={size}
      height={size}
      viewBox={`0 0 ${size} ${size}`}
      fill="none"
      stroke="currentColor"
      strokeWidth={size < 20 ? 1.5 : 1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const MenuIcon = () => (
  <Icon>
    <path d="M3 5.5h14M3 10h14M3 14.5h9" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="m5 5 10 10M15 5 5 15" />
  </Icon>
);
export const PlusIcon = () => (
  <Icon>
    <path d="M10 4.5v11M4.5 10h11" />
  </Icon>
);
export const SendIcon = () => (
  <Icon>
    <path d="M10 16V4.5M4.75 9.5 10 4.25l5.25 5.25" strokeWidth="2" />
  </Icon>
);
export const DownIcon = () => (
  <Icon>
    <path d="M10 4v11.5M5 10.75l5 5 5-5" />
  </Icon>
);
export const LinkIcon = () => (
  <Icon>
    <path d="M8.3 11.7a3.2 3.2 0 0 0 4.5 0l2.7-2.7A3.2 3.2 0 0 0 11 4.5l-.9.9M11.7 8.3a3.2 3.2 0 0 0-4.5 0L4.5 11A3.2 3.2 0 0 0 9 15.5l.9-.9" />
  </Icon>
);
export const DoneIcon = () => (
  <Icon>
    <path d="m4.5 10.5 3.75 3.75L15.5 6.5" />
  </Icon>
);
export const PencilIcon = () => (
  <Icon>
    <path d="M4 16l.8-3.4 8.3-8.3a1.8 1.8 0 0 1 2.6 2.6l-8.3 8.3zM11.5 6l2.6 2.6" />
  </Icon>
);
export const BinIcon = () => (
  <Icon>
    <path d="M4 5.75h12M8 5.75V4h4v1.75M5.5 5.75l.6 10.25h7.8l.6-10.25M8.5 8.75v4.25M11.5 8.75v4.25" />
  </Icon>
);
export const WarningIcon = () => (
  <Icon>
    <path d="M10 3.25 17.5 16h-15z" />
    <path d="M10 8.25v3.5M10 14v.01" />
  </Icon>
);
export const CloudOffIcon = () => (
  <Icon>
    <path d="M3 3l14 14M6.2 7A3.8 3.8 0 0 0 6 14.5h8.5M8.6 5.3a4.6 4.6 0 0 1 6.2 3.9 2.9 2.9 0 0 1 2.2 4" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="3.25" />
    <path d="M10 2.5v1.25M10 16.25v1.25M2.5 10h1.25M16.25 10h1.25M4.7 4.7l.9.9M14.4 14.4l.9.9M4.7 15.3l.9-.9M14.4 5.6l.9-.9" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M16.5 11.6A6.75 6.75 0 0 1 8.4 3.5a6.75 6.75 0 1 0 8.1 8.1z" />
  </Icon>
);
export const SystemIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="6.75" />
    <path d="M10 3.25a6.75 6.75 0 0 1 0 13.5z" fill="currentColor" />
  </Icon>
);
/** A clock: it waits to be sent. */
export const WaitingMark = () => (
  <Icon size={16}>
    <circle cx="8" cy="8" r="5.25" />
    <path d="M8 5.2V8l1.8 1.2" />
  </Icon>
);
/** One tick, as messengers have it for "sent". Two would say that it was delivered, which nobody here knows. */
export const SentMark = () => (
  <Icon size={16}>
    <path d="m3.2 8.7 2.9 2.9 6-6.4" />
  </Icon>
);
export const RejectedMark = () => (
  <Icon size={16}>
    <circle cx="8" cy="8" r="5.5" />
    <path d="M8 5.1v3.4M8 10.9v.01" />
  </Icon>
);

/** Nothing is left of it. */
export const GoneMark = () => (
  <Icon size={16}>
    <circle cx="8" cy="8" r="5.5" />
    <path d="m4.2 4.2 7.6 7.6" />
  </Icon>
);

/** Three that know the same: the mark of the app. */
export function Logo() {
  return (
    <svg width="30" height="30" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" fill="#0b6b5d" />
      <path d="M16 11 10 20.5M16 11l6 9.5M10 20.5h12" stroke="#8fdcc9" strokeWidth="2" />
      <circle cx="16" cy="10.5" r="4" fill="#fff" />
      <circle cx="10" cy="21" r="3.4" fill="#fff" />
      <circle cx="22" cy="21" r="3.4" fill="#ffc46b" />
    </svg>
  );
}
