// Entry of the script file: finds its settings, starts once, and puts `sillage` on the page.
//
// Not here: counting. The entry of the npm package is `module.ts`.

import { readOptions } from './config';
import { guard } from './guard';
import { type Sillage, start } from './tracker';
import type { Config } from './types';

declare global {
  interface Window {
    sillage?: Sillage;
    sillageConfig?: Config;
  }
}

guard(() => {
  if (window.sillage?.x) return;
  // Modules and tag managers leave currentScript empty. Such a page sets the site on another tag or
  // in the global object.
  const script =
    (document.currentScript as HTMLScriptElement) || document.querySelector<HTMLScriptElement>('script[data-site]');
  const option = readOptions(script?.dataset, window.sillageConfig);
  const endpoint = (option('api') as string) || new URL('/api/event', script?.src || (location as unknown as URL));
  window.sillage = start(option, endpoint, window.sillage?.q || []);
})();
