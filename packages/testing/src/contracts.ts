/** Contract suites, for vitest: the rules of core's ports as tests for anyone's own storage or connection. */
export { type StorageHarness, storageContract } from '@gossip-log/storage/contract';
export { type ContractSubject, connectionContract, contractBounds } from '@gossip-log/transport/contract';
