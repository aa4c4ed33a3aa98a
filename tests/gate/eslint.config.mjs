// Names that every browser since IE6 has, or that the code asks for with `typeof` first.
const browser = [
  'window', 'document', 'navigator', 'location', 'screen', 'alert', 'confirm', 'prompt',
  'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval',
  'XMLHttpRequest', 'ActiveXObject', 'XDomainRequest', 'Image', 'JSON'
];

const names = {thywill: 'readonly'};
for (const name of browser) {
  names[name] = 'readonly';
}

export default [{
  files: ['**/*.js'],
  languageOptions: {ecmaVersion: 3, sourceType: 'script', globals: names},
  linterOptions: {reportUnusedDisableDirectives: 'error'},
  rules: {
    // What the parser lets pass, but IE6 to IE8 do not.
    'comma-dangle': ['error', 'never'],
    'dot-notation': ['error', {allowKeywords: false}],
    'quote-props': ['error', 'as-needed', {keywords: true, unnecessary: false}],
    'no-sparse-arrays': 'error',
    'no-inner-declarations': ['error', 'functions'],
    // In JScript the name of a function expression leaks into the scope around it.
    'func-names': ['error', 'never'],

    'no-undef': 'error',
    'no-unused-vars': ['error', {args: 'after-used', caughtErrors: 'none'}],
    'no-redeclare': 'error',
    'no-dupe-args': 'error',
    'no-dupe-keys': 'error',
    'no-duplicate-case': 'error',
    'no-cond-assign': 'error',
    'no-fallthrough': 'error',
    'no-func-assign': 'error',
    'no-self-compare': 'error',
    'no-unreachable': 'error',
    'no-empty': ['error', {allowEmptyCatch: true}],
    'no-octal': 'error',
    'no-shadow-restricted-names': 'error',
    'no-extend-native': 'error',
    'use-isnan': 'error',
    'valid-typeof': 'error',
    'eqeqeq': ['error', 'always', {null: 'ignore'}],
    'no-eval': 'error',
    'no-implied-eval': 'error',
    'no-new-func': 'error',
    'no-script-url': 'error',
    'no-with': 'error',
    'no-restricted-properties': ['error',
      {property: 'WebSocket', message: 'thywill works without WebSockets.'},
      {property: 'fetch', message: 'thywill works in browsers that have no fetch.'}
    ],

    // One dialect in all scripts.
    strict: ['error', 'function'],
    'one-var': ['error', 'always'],
    'func-style': ['error', 'declaration'],
    'no-plusplus': 'error',

    'max-lines': ['error', 400],
    'max-lines-per-function': ['error', 40]
  }
}];
