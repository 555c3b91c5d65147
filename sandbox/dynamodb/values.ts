/** Attribute values: what DynamoDB takes, how large they are, and how two compare. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { invalid } from './refusal.ts';

export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Names a value's one type: `S`, `N`, … */
export const typeOf = (value: AttributeValue): string => Object.keys(value)[0] ?? '';

const ONE_TYPE =
  'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes';
const NO_TYPE = 'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes';
const WRONG = 'One or more parameter values were invalid:';

/** Returns a copy of a value as DynamoDB stores it. Throws where it takes no such value. */
export function storedValue(value: AttributeValue): AttributeValue {
  const types = Object.keys(value).length;
  if (types !== 1) throw invalid(types === 0 ? NO_TYPE : ONE_TYPE);
  if (value.S !== undefined) return { S: value.S };
  if (value.N !== undefined) return { N: storedNumber(value.N) };
  if (value.BOOL !== undefined) return { BOOL: value.BOOL };
  if (value.B !== undefined) return { B: new Uint8Array(value.B) };
  if (value.NULL !== undefined) {
    if (!value.NULL) throw invalid(`${WRONG} Null attribute value types must have the value of true`);
    return { NULL: true };
  }
  if (value.L !== undefined) return { L: value.L.map(storedValue) };
  if (value.M !== undefined) return { M: storedItem(value.M) };
  if (value.SS !== undefined) return { SS: storedSet(value.SS, 'string', (text) => text) };
  if (value.NS !== undefined) return { NS: storedSet(value.NS, 'number', storedNumber) };
  throw new Error(`the sandbox stores no attribute of type ${typeOf(value)}`);
}

/** Returns a copy with every value as it is stored; names that every object has are names like any other. */
export function storedItem(item: Attributes): Record<string, AttributeValue> {
  const stored: Record<string, AttributeValue> = Object.create(null);
  for (const name of Object.keys(item)) stored[name] = storedValue(item[name] as AttributeValue);
  return stored;
}

function storedSet(given: readonly string[], kind: string, stored: (one: string) => string): string[] {
  if (given.length === 0) throw invalid(`${WRONG} An ${kind} set  may not be empty`);
  const values = given.map(stored);
  if (new Set(values).size === values.length) return values;
  if (kind === 'number') throw invalid('Input collection contains duplicates');
  throw invalid(`${WRONG} Input collection [${given.join(', ')}] contains duplicates.`);
}

/** `digits` × 10^`exponent`, without a trailing zero in `digits`. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

function decimal(text: string): Decimal {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (whole + fraction === '')
    throw invalid(`The parameter cannot be converted to a numeric value${text === '' ? '' : `: ${text}`}`);
  const digits = (whole + fraction).replace(/0+$/, '');
  const exponent = Number(power) - fraction.length + (whole + fraction).length - digits.length;
  return { digits: BigInt(`${sign === '-' ? '-' : ''}${digits || '0'}`), exponent: digits ? exponent : 0 };
}

/** Written out, as DynamoDB returns numbers. */
function textOf({ digits, exponent }: Decimal): string {
  if (digits === 0n) return '0';
  const sign = digits < 0n ? '-' : '';
  const text = `${digits < 0n ? -digits : digits}`;
  if (exponent >= 0) return `${sign}${text}${'0'.repeat(exponent)}`;
  const padded = text.padStart(1 - exponent, '0');
  const fraction = padded.slice(exponent).replace(/0+$/, '');
  return `${sign}${padded.slice(0, exponent)}${fraction && `.${fraction}`}`;
}

function storedNumber(text: string): string {
  // By far the most are plain integers.
  if (/^(?:0|-?[1-9]\d{0,15})$/.test(text)) return text;
  const number = decimal(text);
  const length = `${number.digits}`.replace('-', '').length;
  const magnitude = length - 1 + number.exponent;
  const range = 'Attempting to store a number with magnitude';
  if (magnitude > 125) throw invalid(`Number overflow. ${range} larger than supported range`);
  if (magnitude < -130) throw invalid(`Number underflow. ${range} smaller than supported range`);
  if (length > 38) throw invalid('Attempting to store more than 38 significant digits in a Number');
  return textOf(number);
}

const scaled = ({ digits, exponent }: Decimal, to: number): bigint => digits * 10n ** BigInt(exponent - to);

/** Returns a + b, or a - b. */
export function sum(a: string, b: string, sign: 1 | -1 = 1): string {
  const [x, y] = [decimal(a), decimal(b)];
  const exponent = Math.min(x.exponent, y.exponent);
  return storedNumber(textOf({ digits: scaled(x, exponent) + BigInt(sign) * scaled(y, exponent), exponent }));
}

function compareNumbers(a: string, b: string): number {
  const [x, y] = [Number(a), Number(b)];
  if (Number.isSafeInteger(x) && Number.isSafeInteger(y)) return Math.sign(x - y);
  const [first, second] = [decimal(a), decimal(b)];
  const exponent = Math.min(first.exponent, second.exponent);
  const difference = scaled(first, exponent) - scaled(second, exponent);
  if (difference === 0n) return 0;
  return difference > 0n ? 1 : -1;
}

/** By the bytes of UTF-8: surrogates stand for characters above every other. */
function compareTexts(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const difference = utf8Order(a.charCodeAt(at)) - utf8Order(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
function utf8Order(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Orders two values of one type that has an order; undefined for any others. */
export function compareValues(a: AttributeValue, b: AttributeValue): number | undefined {
  if (a.S !== undefined && b.S !== undefined) return compareTexts(a.S, b.S);
  if (a.N !== undefined && b.N !== undefined) return compareNumbers(a.N, b.N);
  if (a.B !== undefined && b.B !== undefined) return Buffer.compare(a.B, b.B);
  return undefined;
}

export function sameValue(a: AttributeValue, b: AttributeValue): boolean {
  const order = compareValues(a, b);
  if (order !== undefined) return order === 0;
  if (typeOf(a) !== typeOf(b)) return false;
  if (a.BOOL !== undefined) return a.BOOL === b.BOOL;
  if (a.NULL !== undefined) return true;
  const [set, other] = [a.SS ?? a.NS, b.SS ?? b.NS];
  if (set && other) return set.length === other.length && set.every((one) => other.includes(one));
  if (a.L && b.L) return a.L.length === b.L.length && a.L.every((one, at) => sameAt(one, b.L?.[at]));
  if (a.M && b.M) {
    const names = Object.keys(a.M);
    return (
      names.length === Object.keys(b.M).length &&
      names.every((name) => sameAt(a.M?.[name] as AttributeValue, b.M?.[name]))
    );
  }
  return false;
}
const sameAt = (a: AttributeValue, b: AttributeValue | undefined): boolean =>
  b !== undefined && sameValue(a, b);

/** The function `contains` of expressions. */
export function containsValue(whole: AttributeValue, part: AttributeValue): boolean {
  if (whole.L) return whole.L.some((one) => sameValue(one, part));
  if (part.S !== undefined) return (whole.S ?? whole.SS ?? []).includes(part.S);
  if (part.N !== undefined) return (whole.NS ?? []).includes(part.N);
  return false;
}

/** The function `size` of expressions; undefined for types that have none. */
export function lengthOf(value: AttributeValue): number | undefined {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  const { B, L, M, SS, NS } = value;
  return (B ?? L ?? SS ?? NS ?? (M && Object.keys(M)))?.length;
}

/** Bytes that an item takes of the 400 KB it may have. */
export function itemSize(item: Attributes): number {
  let size = 0;
  for (const name of Object.keys(item))
    size += Buffer.byteLength(name) + valueSize(item[name] as AttributeValue);
  return size;
}

function valueSize(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return numberSize(value.N);
  if (value.B !== undefined) return value.B.length;
  if (value.SS) return value.SS.reduce((size, one) => size + Buffer.byteLength(one), 0);
  if (value.NS) return value.NS.reduce((size, one) => size + numberSize(one), 0);
  if (value.L) return 3 + value.L.reduce((size, one) => size + 1 + valueSize(one), 0);
  if (value.M) return 3 + Object.keys(value.M).length + itemSize(value.M);
  return 1;
}
/** About one byte for two significant digits, and one more. */
const numberSize = (text: string): number =>
  1 + Math.ceil(text.replace(/^-?0*\.?0*|[.-]|0+$/g, '').length / 2) + (text.startsWith('-') ? 1 : 0);
