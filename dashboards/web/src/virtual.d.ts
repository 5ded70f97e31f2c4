declare module 'virtual:world' {
  /**
   * The world's countries as SVG paths; made by `build/world.ts`. An empty country is land without
   * a code.
   */
  export const world: { width: number; height: number; shapes: [country: string, path: string][] };
}
