/** Lists in pages, as AWS gives them: with a token while there is more. */
import type { TwinCall } from './twin.ts';

/** AWS's own pages are longer; here a short one shows whether a caller reads the second. */
const PAGE = 3;

export interface Paging<T> {
  /** Name of the list in the answer. */
  readonly list: string;
  /** Names of the token in the request and in the answer, and of the page size. */
  readonly given: string;
  readonly next: string;
  readonly size: string;
  /** Where what is read in one go is part of what is tested: AWS's own page. */
  readonly most?: number;
  readonly show: (item: T) => object | string;
}

export function paged<T>({ input }: TwinCall, items: readonly T[], paging: Paging<T>): object {
  const start = Number(input[paging.given] ?? 0);
  const most = paging.most ?? PAGE;
  const size = Math.min(Number(input[paging.size] ?? most), most);
  const end = start + size;
  return {
    [paging.list]: items.slice(start, end).map(paging.show),
    ...(end < items.length ? { [paging.next]: String(end) } : {}),
  };
}

/** EC2's spelling. */
export const ec2Pages = { given: 'NextToken', next: 'NextToken', size: 'MaxResults' } as const;
