'use strict';
// node in_node.js SOCKJS_CLIENT OPTIONS: prints what the visit came to, as JSON.
const { visitWith } = require('./scenario.js');

visitWith(require(process.argv[2]), JSON.parse(process.argv[3])).then((outcome) => {
  process.stdout.write(JSON.stringify(outcome), () => process.exit(0));
});
