module.exports = {
  testEnvironment: 'jsdom',
  // gossip-log comes as ES modules, and Jest's are CommonJS: it is transformed, unlike other packages.
  transformIgnorePatterns: ['/node_modules/(?!(\\.pnpm/)?@gossip-log[+/])'],
  // An app with @babel/preset-env, SWC or ts-jest has a transform already.
  transform: { '\\.[cm]?[jt]sx?$': ['babel-jest', { plugins: ['@babel/plugin-transform-modules-commonjs'] }] },
};
