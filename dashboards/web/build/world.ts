/**
 * The paths of the world map, projected and rounded at build time, so that the page loads neither a
 * map library nor raw geometry. `virtual:world` exports width, height and one `[country, path]` per
 * territory.
 *
 * Territories too small to be seen (Singapore, Malta, Monaco …) become dots. Land without a
 * two-letter code has an empty code: it is drawn, and belongs to no country.
 */
import { createRequire } from 'node:module';
import { geoNaturalEarth1, geoPath } from 'd3-geo';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import type { Plugin } from 'vite';
import { ALPHA2_BY_NUMERIC } from './iso3166.ts';

export const WORLD_WIDTH = 1000;
export const WORLD_HEIGHT = 480;
/** A territory smaller than this many square units is drawn as a dot. */
const AREA_MIN = 6;
const DOT_RADIUS = 3;

export type World = { width: number; height: number; shapes: [country: string, path: string][] };

export function makeWorld(): World {
  const require = createRequire(import.meta.url);
  const topology = require('world-atlas/countries-50m.json') as Topology<{ countries: GeometryCollection }>;
  // Antarctica would take a fifth of the map and has hardly any visitors.
  const land = feature(topology, topology.objects.countries).features.filter((one) => one.id !== '010');
  const projection = geoNaturalEarth1().fitExtent(
    [
      [2, 2],
      [WORLD_WIDTH - 2, WORLD_HEIGHT - 2],
    ],
    { type: 'FeatureCollection', features: land },
  );
  const path = geoPath(projection);
  const shapes = land.map((one): [string, string] => {
    const country = ALPHA2_BY_NUMERIC.get(String(one.id)) ?? '';
    if (path.area(one) < AREA_MIN && country !== '') {
      const [x, y] = path.centroid(one);
      const r = DOT_RADIUS;
      return [
        country,
        `M${Math.round(x) - r} ${Math.round(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 -${2 * r} 0z`,
      ];
    }
    return [country, relative(path(one) ?? '')];
  });
  return { width: WORLD_WIDTH, height: WORLD_HEIGHT, shapes: shapes.filter(([, d]) => d !== '') };
}

/**
 * Turns an absolute path of floats into a relative path of integers, without empty steps and rings.
 */
export function relative(path: string): string {
  return path
    .split('M')
    .slice(1)
    .map((ring) => {
      const points = ring
        .replace('Z', '')
        .split('L')
        .map((pair) => pair.split(',').map((part) => Math.round(Number(part))) as [number, number]);
      const [first] = points;
      if (!first) return '';
      let [x, y] = first;
      let steps = '';
      let count = 0;
      for (const [nx, ny] of points.slice(1)) {
        if (nx === x && ny === y) continue;
        const dy = ny - y;
        steps += `${count > 0 && nx - x >= 0 ? ' ' : ''}${nx - x}${dy < 0 ? '' : ' '}${dy}`;
        x = nx;
        y = ny;
        count++;
      }
      return count < 2 ? '' : `M${first[0]} ${first[1]}l${steps}z`;
    })
    .join('');
}

const ID = 'virtual:world';

export function world(): Plugin {
  return {
    name: 'sillage-world',
    resolveId: (id) => (id === ID ? `\0${ID}` : null),
    load: (id) => (id === `\0${ID}` ? `export const world = ${JSON.stringify(makeWorld())};` : null),
  };
}
