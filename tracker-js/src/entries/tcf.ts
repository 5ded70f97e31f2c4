// Entry of consent/tcf.js.

import { startTcf } from '../consent/tcf';
import { guard } from '../guard';

guard(startTcf)();
