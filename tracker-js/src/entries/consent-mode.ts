// Entry of consent/consent-mode.js.

import { startConsentMode } from '../consent/consent-mode';
import { guard } from '../guard';

guard(startConsentMode)();
