/** The XML parser, in a file of its own so that a function can import it later (deploy/bundles.js says why). */
export { XMLParser, XMLValidator } from 'fast-xml-parser';
