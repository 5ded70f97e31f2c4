// Entry of consent/cookiebot.js.

import { startCookiebot } from '../consent/cookiebot';
import { guard } from '../guard';

guard(startCookiebot)();
