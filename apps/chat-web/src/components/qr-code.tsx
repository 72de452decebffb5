import { qrSvg } from '@sotto/identity';
import { useMemo } from 'preact/hooks';

export function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const source = useMemo(() => `data:image/svg+xml,${encodeURIComponent(qrSvg(text))}`, [text]);
  return <img class="qr" src={source} alt={label} />;
}
