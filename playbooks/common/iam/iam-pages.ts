import { allPages } from '../../../core/aws/pages.ts';

type Marker = { readonly Marker?: string };
interface IamPage {
  readonly IsTruncated?: boolean | undefined;
  readonly Marker?: string | undefined;
}
/** Every item of an IAM list: a marker while `IsTruncated`. */
export const pagesOf = <P extends IamPage, T>(
  page: (marker: Marker) => Promise<P>,
  list: (answer: P) => readonly T[] | undefined,
): Promise<T[]> =>
  allPages(async (token) => {
    const answer = await page(token === undefined ? {} : { Marker: token });
    return { items: list(answer), next: answer.IsTruncated ? answer.Marker : undefined };
  });
