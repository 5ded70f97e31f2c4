// Entry of consent/osano.js.

import { startOsano } from '../consent/osano';
import { guard } from '../guard';

guard(startOsano)();
