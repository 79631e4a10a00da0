/**
 * Every bound, with its unit last in its name and its reason beside it.
 *
 * Bounds marked *protocol* are the same on every node for ever: validity is judged by them. The others are
 * local and may differ from node to node.
 */

// Events and blocks (protocol).

/** A writer id. 128 bits: no two writers draw the same. Protocol. */
export const writerIdBytes = 16;
/** A log's name, in UTF-8. Fits an LMDB key beside the rest of the key. Protocol. */
export const logIdBytesMax = 255;
/** An encoded payload. A larger thing is a file: store it elsewhere and append its address. Protocol. */
export const eventBytesMax = 256 * 1024;
/** Arrays and objects within each other in a payload. More would be read here and overflow the stack there. Protocol. */
export const payloadDepthMax = 256;
/** Dependencies stored with one event; what exceeds stays a head and is named by the next event. Protocol. */
export const depsMax = 64;
/** Rows of a block: four chunks, so that a peer may send more at once than it stores. Protocol. */
export const blockRowsMax = 4096;
/** Writers named in one block: every row may have a writer of its own, and dependencies name others. Protocol. */
export const blockWritersMax = 8192;
/** A whole block. Bounds what a reader allocates for one. Protocol. */
export const blockBytesMax = 1024 * 1024;
/** Size at which a block of our own making is cut; far below `blockBytesMax`, so that none of ours is ever refused. */
export const blockBytesTarget = 256 * 1024;
/** Largest hybrid time: 2^53 - 1, in the year 2109. Protocol. */
export const timeMax = Number.MAX_SAFE_INTEGER;
/** Largest sequence number. Protocol. */
export const seqMax = 0xffffffff;
/** A time further ahead of the receiver's corrected clock is `early`. 60 s forgives badly set clocks. Protocol. */
export const clockDriftMsMax = 60_000;
/**
 * An event may be so much ahead of the log's newest one, where that is ahead of the clock: writers who see it count on from
 * there, 2048 steps to the millisecond. A second is two million events; more would only help to push a log ahead.
 */
export const aheadOfLogMsMax = 1_000;
/**
 * No event is taken in that is further ahead of the corrected clock, whatever the log holds or a durable peer has accepted:
 * ten years. Clocks are wrong by years after a flat battery. It keeps a log from being pushed to `timeMax`, where it ends.
 */
export const aheadOfClockMsMax = 10 * 365 * 24 * 60 * 60_000;
/** A wall clock that moves so much against the time that passed was set; less is drift, and what timers are late. */
export const clockStepMsMin = 1_000;
/**
 * A wall clock is corrected by a dialled durable peer's up to a day: wrong time zones, halves of a day and dates lie
 * within. What a relay with a wrong clock does to events is over within a day too. It bounds the whole correction, so
 * small ones do not add up.
 */
export const clockOffsetMsMax = 24 * 60 * 60_000;
/** A wall clock before 2026 was never set, as after a flat battery: it takes any correction. */
export const wallClockMsMin = 1_767_225_600_000;

// The log in memory.

/**
 * Writers without an event that a log knows, since parked events or dependencies named them: once so many came, those go that
 * nothing names any more. At a hundred bytes each, 6 MB.
 */
export const namedWritersMax = 65_536;
/** Rows of a chunk in memory before it splits. One unit for memory, disk, wire and React. */
export const chunkRowsMax = 1024;
/** Payloads of a block that stay where they came: below this a copy is cheaper than keeping that buffer. */
export const adoptedBytesMin = 16 * 1024;
/** Rows that wait in a log's causal buffer, at about 200 bytes each. Above it the newest are dropped; they can be fetched again. */
export const causalBufferRowsMax = 32_768;
/** Bytes that wait in a log's causal buffer. */
export const causalBufferBytesMax = 8 * 1024 * 1024;

/**
 * Redactions that wait for events that are not here, at about 300 bytes each. Whoever redacts an event has it, so they name
 * such as lie below this node's edge, which honest peers send erased. Above it a further one is only a row.
 */
export const openRedactionsMax = 16_384;

// The log on disk.

/** Bytes of a packed chunk at which the next one begins: a frame's worth, so that it goes out to peers as it lies. */
export const packedChunkBytesTarget = 32 * 1024;
/** Events that wait in the journal until they are packed; a start reads them one record at a time. */
export const journalRowsMax = 1024;
/** The same while a peer sends what this node lacks: the manifest need not be written for every thousand. */
export const catchUpRowsMax = 65_536;
/** The same where a window shows the whole log: a start after a crash reads them, in a second or two. */
export const catchUpShownRowsMax = 1_048_576;
/** Records of a journal that a log leaves behind when it closes; more are packed first, so that the next start is quick. */
export const journalRecordsMax = 64;
/**
 * Packed writers that a manifest names one by one, at 30 bytes each. It is written with every pack: of more, those that wrote
 * longest ago go to pages, which are not written again.
 */
export const listedPackedMax = 4096;
/** Writers of a page: 76 kB, two chunks' worth. */
export const pageWritersMax = 2048;
/** Packed chunks of one log: a hundred million small events. */
export const chunksMax = 300_000;
/** Rows read at once from packed chunks to be named to a peer; of a wider span parts are compared first. */
export const coldRowsAtOnceMax = 16_384;
/** Packed chunks read at once for a peer, 8 MB; where events are large, a chunk has few. */
export const coldChunksAtOnceMax = 256;

// Views.

/** Errors that a view keeps: the newest of them say what is wrong. */
export const viewErrorsMax = 64;
/** A fold keeps a checkpoint at every so many events at first; that much a late event replays needlessly. */
export const foldStepEvents = 64;
/** Checkpoints of a fold. Above it those go that are missed least: the further from the end, the fewer. */
export const foldCheckpointsMax = 64;
/** Checkpoints of a fold that are saved: at the end, and about 64, 512 and 4,096 events before. */
export const foldCheckpointsSavedMax = 4;
/** A fold is saved after so many events without asking; a restart folds about that many again. */
export const foldSaveEvents = 1024;
/** Folds of one log that a node saves. */
export const foldsSavedMax = 64;
/** A saved fold's name, in UTF-8: with a log's name it fits into a key of the metadata keyspace. */
export const foldNameBytesMax = 200;
/** Larger numbers do not count in aggregates: sums of their squares stay below 2^1023 over 2^27 events. */
export const aggregateNumberMax = 2 ** 480;

// Frames and sessions.

/** One frame: the largest event with its block header. */
export const frameBytesMax = 512 * 1024;
/** Size that bulk frames aim at; 16-64 KiB gave the best throughput on loopback (234 MB/s at 16 KiB). */
export const frameBytesTarget = 32 * 1024;
/** Bytes of events a peer may have in flight before we grant more: browsers' sockets have no drain event. */
export const creditBytesMax = 1024 * 1024;
/** Logs open in one session. */
export const channelsMax = 4096;
/**
 * Nodes in a row through which a log is asked for (S26). A row of relays has two or three; where they form a circle, it
 * bounds how often word of a use that has ended goes round. Protocol.
 */
export const bridgedNodesMax = 8;
/** An effect without an answer for so long counts as failed. */
export const requestMsMax = 30_000;
/** A log that the peer could not open, for a reason that may pass, is offered again after so long. */
export const openRetryMs = 10_000;
/** Runs in one frame: what fits into `frameBytesMax` at 40 bytes each. */
export const runsPerFrameMax = 12_000;
/** Runs that a peer asked for and is to be sent once they are here. Above it the oldest are forgotten: others may have them. */
export const owedRunsMax = 1024;
/** Writers of a log that is described by its runs, of 24 bytes each: a kilobyte. Of more, fingerprints are compared. */
export const listedWritersMax = 40;
/** Rows of a span that are listed one by one, at 6 bytes, rather than parted and compared by fingerprints. */
export const listedRowsMax = 256;
/** Rows in the last span of a first description; each one before has twice as many. Most differences are at the end. */
export const ladderRowsMin = 32;
/** Parts into which a span is cut that differs: a million rows are down to `listedRowsMax` after three cuts. */
export const spanParts = 16;
/** Ranges in one frame. At each end of one a packed chunk may have to be read. */
export const rangesPerFrameMax = 128;
/** Short names in one range: rows of one time are not parted, and a frame has room for so many. */
export const namesPerRangeMax = 65_536;
/** Frames of one comparison from the peer. A million rows that all differ take three hundred. */
export const comparisonFramesMax = 10_000;
/** Bytes of a peer's turn that wait until what came before is read. A million rows that all differ take 10 MB. */
export const comparisonBytesMax = 16 * 1024 * 1024;
/**
 * Rows that the comparisons of a log with one peer may walk, in passes over the log. Logs that differ everywhere take ten:
 * each cut of a span, the names at the end, what of them is lacking.
 */
export const comparisonPassesMax = 16;
/** Rows added to a log's own when passes are counted: in a small log every turn walks all of it. */
export const comparisonRowsMin = 4096;
/** All of these passes are granted again after so long: a core spends a few percent on a hostile peer at most. */
export const comparisonRefillMs = 60_000;
/** A log that has been quiet for so long is compared by its sum, with up to half as much jitter. One frame of 30 bytes. */
export const idleCompareMs = 30_000;
/** A difference that comparing does not mend is looked for half as often each time, down to this. */
export const idleCompareMsMax = 60 * 60_000;
/** Idle comparisons leave out the last events: they may be on their way. */
export const idleSpareMs = 10_000;
/** Rows that one idle comparison adds to kept sums, about 10 ms; with the rest the next one goes on. */
export const idleRowsMax = 65_536;
/** Runs of one writer that a peer says it does not have. Above it the oldest are forgotten, and asked for once more. */
export const absentRunsMax = 64;
/** Edges of a log that peers have told of and that are remembered: the newest of them. */
export const edgesHeardMax = 64;
/** Missing events below a log's edge that are remembered one by one; above it the edge stays above them all. */
export const danglingMax = 65_536;
/** Feeds that one session serves, and as many that it reads. */
export const feedsMax = 64;
/** Writers that a feed's filter names: 16 KiB of them. */
export const feedWritersMax = 1024;
/** Writers in the cursors of a session's feeds, all taken together; one cursor of 29 bytes each fits into a frame. */
export const feedCursorsMax = 12_000;
/** Bytes of a feed that its reader has not taken yet. Small beside `creditBytesMax`: a reader that waits costs no more. */
export const feedBytesMax = 128 * 1024;
/** A node's clock in `hello`: what a hybrid time can hold, to the year 2109. */
export const nowMsMax = 2 ** 42 - 1;
/** A node's name, in UTF-8. */
export const nodeNameBytesMax = 64;
/** Text in an `error` or `close`, in UTF-8. */
export const messageBytesMax = 512;
/** A token, in bytes. */
export const tokenBytesMax = 8 * 1024;
/** A peer that is silent for so long is taken for gone. Two heartbeats and a margin. */
export const silenceMsMax = 40_000;
/** Time between two application heartbeats; below the usual 60 s of proxies. */
export const heartbeatMs = 15_000;
/** A running node tells its sessions the time at least so often. */
export const sessionTickMs = 5_000;
/**
 * What passes between two inputs of a session counts as waiting for the peer up to this; what is longer, this node stood
 * still, or its timers were throttled, and frames may wait unread. Two ticks.
 */
export const standstillMsMin = 10_000;
/** A peer that was asked for a sign of life has so long to answer. A few round trips of a slow mobile network. */
export const probeMsMax = 4_000;

// Connections.

/** Bytes that wait in one socket; a reader behind that bound is cut off with `slow-reader`. */
export const socketBufferBytesMax = 4 * 1024 * 1024;
/** Fragments of one WebSocket message. Browsers cut the largest frame into a few. */
export const fragmentsMax = 256;
/** Reads of a socket that one message may take: the largest frame in pieces of 128 bytes. Each is an object until it is whole. */
export const bufferedChunksMax = 4096;
/** First pause before reconnecting; doubled each time, with full jitter. */
export const reconnectMsMin = 500;
/** Longest pause before reconnecting. */
export const reconnectMsMax = 30_000;
/** A connection that lasted so long was a good one: the pause starts again from the beginning. */
export const stableMsMin = 5_000;
/** One try to connect, the address looked up and the handshake done; longer looks dead to whoever waits. */
export const connectMsMax = 10_000;
/** What an accepted socket may take for its HTTP request; a slower one holds a place for nothing. */
export const handshakeMsMax = 10_000;
/** A peer that was told goodbye has so long to answer, then its socket is dropped. */
export const closeMsMax = 2_000;
/** Text of a WebSocket's close frame, in UTF-8 (RFC 6455, 5.5). Protocol. */
export const closeMessageBytesMax = 123;
/** Connections of one relay. */
export const connectionsMax = 10_000;

// What a peer may cost.

/** Processor time that the peers of one address may use before they wait for their turn: some hundred chat messages. */
export const turnBurstMs = 10;
/** The part of a node's time that an address may use without waiting for a turn. */
export const turnShare = 0.2;
/** Turns that peers take one after another end after so long: what else the process does goes on in between. */
export const turnMsMax = 2;
/** What a frame costs at least: the smallest is read from its socket and parsed in about so long. */
export const turnFrameMs = 0.004;
/** Pieces of work of one peer that wait before no more is read from it. */
export const turnWorkMax = 16;
/** Questions of one session that `authorize` is asked at once; some hundred rooms of a newcomer take a few round trips. */
export const questionsAtOnceMax = 16;
/** What one peer refuses is reported so often a minute, and the rest as a number. */
export const reportsPerMinuteMax = 16;

// The node.

/** Bytes of events in a node's memory, over which those go that no open window shows. A phone's tab has some hundreds. */
export const hotBytesMax = 64 * 1024 * 1024;
/** Bytes that wait in the causal buffers of all logs of a node: eight full ones. */
export const parkedBytesMax = 64 * 1024 * 1024;
/** Logs open at once in one node. */
export const openLogsMax = 10_000;
/** A log that nobody uses stays open for so long, so that switching rooms back costs nothing. */
export const releaseDelayMs = 5_000;
/** Bytes of one batch to storage; more goes into the next batch. */
export const commitBytesMax = 4 * 1024 * 1024;
/** Own events of a log that wait for storage; above it `append` refuses. Minutes of furious writing on a full disk. */
export const unstoredEventsMax = 250_000;
/** Once a gap in a journal begins to fill, the journal is read again after so long, and no sooner for the next part. */
export const rereadMsMin = 1_000;
/** What retention does not keep by its age is looked for no more often than this, */
export const retentionMsMin = 60_000;
/** and at least so often. */
export const retentionMsMax = 24 * 60 * 60_000;
/**
 * Own events of a log that no peer was sent and that stay in the journal, so that they can be appended again should the clock
 * prove to have been wrong. A start reads them one record at a time; above it they are packed.
 */
export const unsentEventsMax = 1000;
/** Former ids of a log's events that were appended again. Above it the oldest are forgotten. A hundred bytes each. */
export const formerIdsMax = 16_384;
/** Longest pause before a failed write is tried again; it starts at a tenth. */
export const storageRetryMsMax = 10_000;
/** A browser that has not opened a database after so long is taken for one that does not; a cold disk takes seconds. */
export const storageOpenMsMax = 10_000;
/** Another tab that is in the way of a newer version has so long to close the database. Ours do so at once. */
export const storageBlockedMsMax = 2_000;
/** A packed chunk. Four of the largest blocks: what is read at once stays small beside a browser's memory. */
export const packedChunkBytesMax = 4 * 1024 * 1024;
/** Chunks added in one step of packing: one transaction, in memory until it is on the disk. */
export const packedChunksMax = 64;
/** A log's manifest: 100,000 chunks, which are a hundred million events, at 160 bytes each. */
export const manifestBytesMax = 16 * 1024 * 1024;
/** Largest id of a packed chunk: at a thousand events each, more than a log can hold. */
export const chunkIdMax = 0xffffffff;
/** Chunks or records that one call names. More go in several steps. */
export const storedNamesMax = 100_000;
/** A key of the metadata keyspace, in UTF-8: a log's name with a prefix fits. */
export const metadataKeyBytesMax = 512;
/** A value of the metadata keyspace. */
export const metadataValueBytesMax = 64 * 1024;
/** Bytes of free space that one step of a scrub overwrites: a transaction of some milliseconds. */
export const scrubBytesMax = 1024 * 1024;
/**
 * Between two scrubs of a storage, and two packs of a log that redactions ask for at once. A scrub writes all free space of
 * the store, a pack the chunks with redacted events: a flood of such redactions would keep a relay at nothing else.
 */
export const scrubMsMin = 10_000;
/** Keys whose values one step of a scrub writes again. */
export const scrubKeysMax = 2048;
