export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

export function serveSite(options: { readonly node: string; readonly port?: number }): Promise<Site>;
