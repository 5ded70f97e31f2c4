/** A command's exit code and output. */
export interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Launched {
  readonly binary: string;
  readonly config: string;
  /**
   * The addresses that the collector printed: `beacons`, `dashboard`, `demo`, `ClickHouse` (with
   * the password of readers).
   */
  readonly addresses: { readonly [name: string]: string };
  /** Stops the collector and removes its folder. Returns its exit code. */
  readonly stop: () => Promise<number>;
}

export function run(args: readonly string[], input?: string): Promise<Finished>;
export function sql(url: string, query: string, parameters?: { readonly [name: string]: string }): Promise<string>;
export function launch(options: {
  /** Keys at the top of the configuration. */
  readonly keys?: string;
  /** Tables of the configuration: `[[site]]` and others, except `[engine]`. */
  readonly tables?: string;
  readonly flags?: readonly string[];
  readonly logLevel?: string;
  readonly prepare?: (config: string) => Promise<void>;
}): Promise<Launched>;
