/** The map. For keyboards and screen readers, the Country list shows the same numbers. */
import { world } from 'virtual:world';
import { useState } from 'preact/hooks';
import { toggleValue } from '../state/filter.ts';
import { useApp } from '../ui/context.ts';
import type { Table } from '../viewmodels/table.ts';

/** Shades, light to dark. A country's shade follows the square root of its share of the largest. */
const SHADES = 6;

export function shadeOf(value: number, largest: number): number {
  if (value <= 0 || largest <= 0) return 0;
  return Math.max(1, Math.ceil(Math.sqrt(value / largest) * SHADES));
}

export function WorldMap({ table }: { table: Table }) {
  const { store, t, fmt } = useApp();
  const [hovered, setHovered] = useState<string | null>(null);
  const rows = new Map(table.rows.map((row) => [row.name, row]));
  const largest = Math.max(0, ...table.rows.map((row) => row.values[0] ?? 0));
  const row = hovered ? rows.get(hovered) : undefined;
  const countryAt = (event: Event) => (event.target as Element).getAttribute('data-country');
  return (
    <div class="map">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: keyboards filter by the Country list */}
      <svg
        viewBox={`0 0 ${world.width} ${world.height}`}
        role="img"
        aria-label={t('map.label')}
        onPointerMove={(event) => setHovered(countryAt(event))}
        onPointerLeave={() => setHovered(null)}
        onClick={(event) => {
          const country = countryAt(event);
          if (!country || !rows.has(country)) return;
          store.go({ filters: toggleValue(store.view.peek().filters, 'country', country) });
        }}
      >
        {world.shapes.map(([country, path], i) => (
          <path
            key={String(i)}
            d={path}
            class={`shade-${shadeOf(rows.get(country)?.values[0] ?? 0, largest)}`}
            data-country={country || undefined}
          />
        ))}
      </svg>
      <p class="map-caption" aria-hidden="true">
        {hovered ? (
          <>
            <strong>{fmt.name('country', hovered)}</strong>{' '}
            {row ? `${fmt.metric('visitors', row.values[0])} ${t('metric.visitors')}` : '–'}
          </>
        ) : (
          <span class="muted">{t('map.table')}</span>
        )}
      </p>
    </div>
  );
}
