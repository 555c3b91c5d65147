/** The items of one partition, of the table or of an index, in the order of their sort keys. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type Attributes, compareValues } from './values.ts';

/** An entry's place: its sort key, then whatever sets it apart from others with the same one. */
export type Place = readonly AttributeValue[];

interface Entry {
  readonly place: Place;
  readonly item: Attributes;
}

function comparePlaces(a: Place, b: Place): number {
  for (const [at, value] of a.entries()) {
    const other = b[at];
    const order = other && compareValues(value, other);
    if (order) return order;
  }
  return 0;
}

export class Sorted {
  readonly entries: Entry[] = [];

  /** The first index whose place is not before this one. */
  #search(place: Place): number {
    let [from, to] = [0, this.entries.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (comparePlaces((this.entries[middle] as Entry).place, place) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
  #isAt(index: number, place: Place): boolean {
    const entry = this.entries[index];
    return entry !== undefined && comparePlaces(entry.place, place) === 0;
  }
  get(place: Place): Attributes | undefined {
    const at = this.#search(place);
    return this.#isAt(at, place) ? this.entries[at]?.item : undefined;
  }
  put(place: Place, item: Attributes): void {
    const at = this.#search(place);
    this.entries.splice(at, this.#isAt(at, place) ? 1 : 0, { place, item });
  }
  delete(place: Place): void {
    const at = this.#search(place);
    if (this.#isAt(at, place)) this.entries.splice(at, 1);
  }
  /** The items in order, or against it, that come after a place. */
  *after(start: Place | undefined, forward: boolean): Generator<Attributes> {
    const { entries } = this;
    if (forward) {
      let at = start ? this.#search(start) : 0;
      if (start && this.#isAt(at, start)) at += 1;
      for (; at < entries.length; at++) yield (entries[at] as Entry).item;
    } else {
      for (let at = (start ? this.#search(start) : entries.length) - 1; at >= 0; at--)
        yield (entries[at] as Entry).item;
    }
  }
}
