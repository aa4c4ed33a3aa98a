'use strict';

// socket.io by polling: everyone gets what is published, and an echo.
const base = require('./base');
const {Server} = require('socket.io');

const server = base.make(function (text) { io.emit('message', text); });
// The load answers no pings: they would end its clients in the middle of a measurement.
const io = new Server(server, {transports: ['polling'], pingInterval: 3600000, serveClient: false});
io.on('connection', function (socket) {
  socket.on('echo', function (text) { socket.emit('message', text); });
});
base.listen(server);
