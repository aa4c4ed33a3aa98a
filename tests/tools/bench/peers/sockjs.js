'use strict';

// sockjs-node: everyone gets what is published, and an echo.
const base = require('./base');
const {createServer} = require('sockjs');

const connections = new Set();
const service = createServer({websocket: false, log: function () {}});
service.on('connection', function (connection) {
  connections.add(connection);
  connection.on('data', function (message) { connection.write(message); });
  connection.on('close', function () { connections.delete(connection); });
});
const server = base.make(function (text) {
  for (const connection of connections) { connection.write(text); }
});
service.installHandlers(server, {prefix: '/push'});
base.listen(server);
