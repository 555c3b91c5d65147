/** Preloaded into `npm run screens` (`node --import`): the clock begins at one day and hour, and goes on as clocks do. */
const Real = Date;
const shift = Real.parse('2026-11-25T14:30:00Z') - Real.now();

globalThis.Date = class extends Real {
  constructor(...given) {
    super(...(given.length === 0 ? [Real.now() + shift] : given));
  }
  static now() {
    return Real.now() + shift;
  }
};
