// Entry of consent/gpp.js.

import { startGpp } from '../consent/gpp';
import { guard } from '../guard';

guard(startGpp)();
