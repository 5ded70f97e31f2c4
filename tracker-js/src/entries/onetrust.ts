// Entry of consent/onetrust.js.

import { startOneTrust } from '../consent/onetrust';
import { guard } from '../guard';

guard(startOneTrust)();
