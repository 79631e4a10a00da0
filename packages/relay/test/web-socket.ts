/** The WebSocket class of `ws`, for clients in tests that have no such package of their own. */
export { WebSocket } from 'ws';
