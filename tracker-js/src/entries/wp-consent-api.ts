// Entry of consent/wp-consent-api.js.

import { startWp } from '../consent/wp-consent-api';
import { guard } from '../guard';

guard(startWp)();
