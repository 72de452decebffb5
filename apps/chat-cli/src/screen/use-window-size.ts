import { useStdout } from 'ink';
import { useEffect, useState } from 'react';

/** Columns and rows of the terminal, also after it was resized. */
export function useWindowSize(): { readonly columns: number; readonly rows: number } {
  const { stdout } = useStdout();
  const measure = () => ({ columns: stdout.columns ?? 80, rows: stdout.rows ?? 24 });
  const [size, setSize] = useState(measure);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `measure` is of the same stdout
  useEffect(() => {
    const onResize = () => setSize(measure());
    stdout.on('resize', onResize);
    return () => {
      stdout.off('resize', onResize);
    };
  }, [stdout]);
  return size;
}
