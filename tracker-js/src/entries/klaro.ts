// Entry of consent/klaro.js.

import { startKlaro } from '../consent/klaro';
import { guard } from '../guard';

guard(startKlaro)();
