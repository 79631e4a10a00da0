/** A person as a coloured disc with initials. Decoration: the name always stands beside it. */
import type { CSSProperties } from 'react';
import { inkOn } from '../colour.js';
import { type Author, initials } from '../message.js';

export function Avatar({ author }: { readonly author: Pick<Author, 'name' | 'color'> }) {
  const style = { '--disc': author.color, '--ink': inkOn(author.color) } as CSSProperties;
  return (
    <span className="avatar" style={style} aria-hidden="true">
      {initials(author.name)}
    </span>
  );
}
