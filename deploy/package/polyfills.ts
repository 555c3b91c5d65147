/** What the oldest Node that the package runs on lacks of today's language; bin/firebreak.js loads it there, and only there. */
import 'core-js/es/array/from-async';
import 'core-js/es/iterator';
import 'core-js/es/map/group-by';
import 'core-js/es/object/group-by';
import 'core-js/es/promise';
import 'core-js/es/regexp/escape';
import 'core-js/es/set';
