/** The rules of the structure: which way imports may point. */
const only = (name, where, what) => ({
  name,
  severity: 'error',
  from: { pathNot: `^(${where})/` },
  to: { path: `^node_modules/(\\.pnpm/)?.*(${what})`, dependencyTypesNot: ['type-only'] },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'packages-never-on-services',
      severity: 'error',
      from: { path: '^(packages|db)/' },
      to: { path: '^(services|deploy)/', pathNot: '/test/' },
    },
    {
      name: 'services-do-not-import-each-other',
      comment: 'Only the composition root of the command line knows them all.',
      severity: 'error',
      from: { path: '^services/([^/]+)/src', pathNot: '^services/cli/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'no-imports-across-src',
      comment: 'Another package is used through its name, never through a path.',
      severity: 'error',
      from: { path: '^(packages|services|examples|test|deploy)/([^/]+)/' },
      to: { path: '^(packages|services|examples|test|deploy)/[^/]+/src/', pathNot: '^$1/$2/' },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      from: { path: '^packages/domain/src' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    only('only-bus-talks-nats', 'packages/bus', '@nats-io'),
    only('only-ari-talks-ari', 'packages/ari', 'ari-client'),
    { name: 'resolvable', severity: 'error', from: { pathNot: '/test/' }, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules|dist' },
    exclude: { path: '(^|/)dist/|\\.d\\.ts$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.test.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
