'use strict';

// What the peers on Node.js share: a free port, which is printed, and POST /publish.
const http = require('http');

exports.make = function (publish) {
  return http.createServer(function (request, response) {
    const parts = [];
    request.on('data', function (part) { parts.push(part); });
    request.on('end', function () {
      if (request.method === 'POST' && request.url === '/publish') {
        publish(Buffer.concat(parts).toString());
      }
      response.end('ok');
    });
  });
};

exports.listen = function (server) {
  // The default backlog of 511 would be the first thing that a storm of connections meets.
  server.listen({port: 0, host: '127.0.0.1', backlog: 4096}, function () {
    console.log('listening on ' + server.address().port);
  });
  server.keepAliveTimeout = 0;
};
