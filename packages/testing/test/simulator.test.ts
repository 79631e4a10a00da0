import { shortSearch } from './short-search.js';

shortSearch('real', 500, [
  'event appended',
  'frame lost in a cut',
  'frame held up by a partition',
  'gap asked for',
  'log failed: storage-failed',
  'process ended after a disk operation',
  'process ended before a disk operation',
  'received entry already written',
  'record set aside',
  'replica id leased again',
  'told: early',
  'transfer resumed after a cut',
  'event withdrawn',
  'compare-and-set lost',
  'told: storage-failed',
  'write refused, disk full',
]);
