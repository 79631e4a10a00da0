import { shortSearch } from './short-search.js';

shortSearch('real', 500, [
  'event appended',
  'frame lost in a cut',
  'frame held up by a partition',
  'gap asked for',
  'log failed: storage-failed',
  'process ended after a disk operation',
  'process ended before a disk operation',
  'fault: older copy restored',
  'record set aside',
  'told: early',
  'transfer resumed after a cut',
  'told: storage-failed',
  'write refused, disk full',
]);
