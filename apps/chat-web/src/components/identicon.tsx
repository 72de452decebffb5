import type { PublicKey } from '@sotto/core';
import { createIdenticon, identiconSvg } from '@sotto/identity';
import { useMemo } from 'preact/hooks';
import { crypto } from '../session.js';

interface IdenticonProps {
  readonly identity: PublicKey;
  readonly size?: 'small' | 'large';
  /** Where the picture itself is meant. Beside a name it says nothing more. */
  readonly label?: string;
}

/** The picture that Status shows for a key. Helps to tell people apart, and proves nothing. */
export function Identicon({ identity, size = 'small', label = '' }: IdenticonProps) {
  const source = useMemo(
    () => `data:image/svg+xml,${encodeURIComponent(identiconSvg(createIdenticon(crypto, identity)))}`,
    [identity],
  );
  return <img class={`identicon ${size}`} src={source} alt={label} />;
}
